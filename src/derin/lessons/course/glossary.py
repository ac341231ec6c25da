"""The course's words: a term in both languages, and what it means in a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from derin.lessons.lesson import Text


@dataclass(frozen=True)
class Entry:
    """A term of the course.

    Args:
        name: its address on the page.
        term: in both languages.
        meaning: a sentence or two.
    """

    name: str
    term: Text
    meaning: Text


def _entry(name: str, en: str, tr: str, meaning_en: str, meaning_tr: str) -> Entry:
    return Entry(name, Text(en, tr), Text(meaning_en, meaning_tr))


GLOSSARY = (
    _entry(
        "activation", "activation", "aktivasyon",
        "The function $g$ after a layer's sum: $a = g(z)$. Without it, layers collapse into one.",
        "Bir katmanın toplamından sonra gelen $g$ fonksiyonu: $a = g(z)$. Onsuz katmanlar tek katmana iner.",
    ),
    _entry(
        "attention", "attention", "dikkat",
        "Each word asks all others: softmax of the products of its query with their keys weights their values.",

        "Her sözcük ötekilerin hepsine sorar: sorgusunun anahtarlarla çarpımlarının softmax'ı, "
        "değerlerini ağırlıklandırır.",
    ),
    _entry(
        "backpropagation", "backpropagation", "geri yayılım",
        "The chain rule from the loss back to every weight, which reuses what the forward pass has kept.",
        "Kayıptan her ağırlığa geriye doğru zincir kuralı; ileri yayılımın sakladıklarını kullanır.",
    ),
    _entry(
        "batch", "batch", "yığın",
        "The examples of one step. Its loss is their mean.",
        "Bir adımın örnekleri. Kaybı, onların kayıplarının ortalamasıdır.",
    ),
    _entry(
        "batch-norm", "batch normalization", "yığın normalleştirme",
        "In training each feature is normalized by the batch's own mean and variance (with $1/B$), then scaled and "
        "shifted; afterwards running averages take their place.",
        "Eğitimde her öznitelik, yığının kendi ortalaması ve varyansıyla ($1/B$ ile) normalleştirilir, sonra "
        "ölçeklenip "
        "kaydırılır; sonradan kayan ortalamalar kullanılır.",
    ),
    _entry(
        "bias", "bias", "bias",
        "The number $b$ that is added to a weighted sum; it moves the boundary without turning it.",
        "Ağırlıklı toplama eklenen $b$ sayısı; sınırı döndürmeden kaydırır.",
    ),
    _entry(
        "convolution", "convolution", "evrişim",
        "A small window of weights that moves over the input; at each place it gives the sum of products.",
        "Girdinin üzerinde gezen küçük bir ağırlık penceresi; her yerde çarpımların toplamını verir.",
    ),
    _entry(
        "cross-entropy", "cross-entropy", "çapraz entropi",
        "The negative logarithm of the probability that the right answer was given.",
        "Doğru yanıta verilen olasılığın eksi logaritması.",
    ),
    _entry(
        "dropout", "dropout", "iletim sönümü",

        "In training a share of the values is set to 0 and the rest is scaled up, so that no unit "
        "relies on one other.",

        "Eğitimde değerlerin bir bölümü 0 yapılır, kalanı büyütülür; böylece hiçbir birim tek bir "
        "birime bel bağlamaz.",
    ),
    _entry(
        "early-stopping", "early stopping", "erken durdurma",

        "Training ends when the validation loss has not become better for a while, and the best "
        "weights are restored.",
        "Doğrulama kaybı bir süre iyileşmeyince eğitim biter ve en iyi ağırlıklar geri yüklenir.",
    ),
    _entry(
        "embedding", "embedding", "gömme",
        "A few numbers for a word or a picture, so that what is alike lies close together.",
        "Bir sözcük ya da resim için, benzerler yakın dursun diye birkaç sayı.",
    ),
    _entry(
        "epoch", "epoch", "epok", "One pass over the training examples.", "Eğitim örneklerinin üzerinden bir geçiş.",
    ),
    _entry(
        "forward", "forward pass", "ileri yayılım",
        "From the input through all layers to the output and the loss.",
        "Girdiden tüm katmanlardan geçerek çıktıya ve kayba.",
    ),
    _entry(
        "gradient", "gradient", "gradyan",
        "How much the loss changes for a small change of each weight; it points uphill.",
        "Her ağırlıktaki küçük bir değişimin kaybı ne kadar değiştirdiği; yokuş yukarıyı gösterir.",
    ),
    _entry(
        "iou", "intersection over union", "kesişim bölü birleşim",
        "What two boxes share, divided by what they cover together.",
        "İki kutunun paylaştığı alan, bölü birlikte kapladıkları alan.",
    ),
    _entry(
        "l1-l2", "L1 and L2", "L1 ve L2",
        "Penalties on weights: $|w|$ pulls each by the same amount and makes zeros, $w^2$ pulls large ones more.",
        "Ağırlıklara ceza: $|w|$ hepsini aynı miktarda çeker ve sıfırlar oluşturur, $w^2$ büyükleri daha çok çeker.",
    ),
    _entry(
        "layer", "layer", "katman", "Units side by side that read the same input.", "Aynı girdiyi okuyan, yan yana "
        "birimler.",
    ),
    _entry(
        "learning-rate", "learning rate", "öğrenme oranı",
        "The number $\\eta$ by which a gradient is multiplied before it is taken off the weights.",
        "Gradyanın ağırlıklardan çıkarılmadan önce çarpıldığı $\\eta$ sayısı.",
    ),
    _entry(
        "loss", "loss", "kayıp",
        "One number that says how wrong the output is; training makes it smaller.",
        "Çıktının ne kadar yanlış olduğunu söyleyen tek sayı; eğitim onu küçültür.",
    ),
    _entry(
        "momentum", "momentum", "momentum",
        "A speed that gathers gradients: $v \\leftarrow \\mu v + g$. Common directions grow, zigzags cancel.",

        "Gradyanları biriktiren bir hız: $v \\leftarrow \\mu v + g$. Ortak yönler büyür, zikzaklar "
        "birbirini götürür.",
    ),
    _entry(
        "overfitting", "over-fitting", "aşırı uydurma",
        "The training loss falls while the test loss rises: examples are learned by heart.",
        "Test kaybı yükselirken eğitim kaybı düşer: örnekler ezberleniyordur.",
    ),
    _entry(
        "perceptron", "perceptron", "perceptron",
        "A unit with a hard threshold and a rule of its own: it changes its weights only where it errs.",
        "Sert eşikli ve kendi kuralı olan bir birim: ağırlıklarını yalnız yanıldığında değiştirir.",
    ),
    _entry(
        "pooling", "pooling", "havuzlama",
        "The largest or the mean of each block of a map; nothing is learned.",
        "Bir haritanın her bloğunun en büyüğü ya da ortalaması; hiçbir şey öğrenilmez.",
    ),
    _entry(
        "receptive-field", "receptive field", "algı alanı",
        "The part of the input that a number of a later layer is made of.",
        "Sonraki bir katmandaki sayının, girdinin hangi bölümünden oluştuğu.",
    ),
    _entry(
        "residual", "residual connection", "artık bağlantı",
        "A layer adds what it computes to what came: $r + F(r)$. Its slope has a 1 that never vanishes.",
        "Katman, hesapladığını gelene ekler: $r + F(r)$. Eğiminde hiç yok olmayan bir 1 vardır.",
    ),
    _entry(
        "seed", "seed", "tohum",
        "A number from which everything random follows; the same seed gives the same run.",
        "Rastgele olan her şeyin türediği sayı; aynı tohum aynı çalışmayı verir.",
    ),
    _entry(
        "softmax", "softmax", "softmax",
        "Powers of e, divided by their sum: scores become probabilities.",
        "e'nin kuvvetleri, toplamlarına bölünür: puanlar olasılık olur.",
    ),
    _entry(
        "test-set", "test set", "test kümesi",
        "Examples that only measure; nothing is learned from them.",
        "Yalnız ölçmeye yarayan örnekler; onlardan öğrenilmez.",
    ),
    _entry(
        "weight", "weight", "ağırlık",
        "A number that multiplies one input of a unit; learning changes it.",
        "Bir birimin bir girdisini çarpan sayı; öğrenme onu değiştirir.",
    ),
)  # fmt: skip
