"""What the pages of the course say around their lessons, in both languages."""

from __future__ import annotations

from derin.lessons.course.form import Area
from derin.lessons.lesson import Text

AREAS: dict[Area, Text] = {
    "A": Text("One neuron to a deep network", "Tek nörondan derin ağa"),
    "B": Text("Optimization", "Eniyileme"),
    "C": Text("Regularization and normalization", "Düzenlileştirme ve normalleştirme"),
    "D": Text("Convolution by hand", "Elle evrişim"),
    "E": Text("Architectures", "Mimariler"),
    "H": Text("Where is it?", "Nerede?"),
    "J": Text("Making pictures", "Resim üretmek"),
    "K": Text("Sequences", "Diziler"),
    "L": Text("Running a project", "Bir projeyi yürütmek"),
}

WORDS: dict[str, Text] = {
    "course": Text("Derin: the course", "Derin: ders"),
    "welcome": Text(
        "On each page you predict something first, then move it, then check every number of it. Everything is in the "
        "page: it "
        "needs no connection, and what you do stays in this browser.",
        "Her sayfada önce bir şeyi öngörür, sonra onu hareket ettirir, sonra her sayısını denetlersiniz. Her şey "
        "sayfanın "
        "içindedir: bağlantı gerekmez ve yaptıklarınız bu tarayıcıda kalır.",
    ),
    "playground": Text("Playground", "Deney alanı"),
    "playground_about": Text(
        "Build a small network, train it on points of your own, and read every number of a step.",
        "Küçük bir ağ kurun, kendi noktalarınızla eğitin ve bir adımın her sayısını okuyun.",
    ),
    "glossary": Text("Glossary", "Sözlük"),
    "glossary_about": Text(
        "The course's words, with the Turkish word beside each.",
        "Dersin terimleri, her birinin yanında İngilizcesiyle.",
    ),
    "printed": Text("Lessons that run in the terminal", "Uçbirimde çalışan dersler"),
    "printed_about": Text(
        "What these show is not on a page yet, or not all of it: each is a command that prints its numbers and draws "
        "its "
        "picture.",
        "Bunların gösterdikleri henüz bir sayfada yok ya da tümü yok: her biri, sayılarını yazdıran ve şeklini çizen "
        "bir "
        "komuttur.",
    ),
    "networks": Text("Trained networks, running in the page", "Eğitilmiş ağlar, sayfanın içinde çalışırken"),
    "networks_about": Text(
        "Draw a picture, set a row's values or type a text, see what every layer makes of it, and click any number for "
        "its sum.",
        "Bir resim çizin, bir satırın değerlerini seçin ya da bir metin yazın; her katmanın ondan ne çıkardığını "
        "görün, bir sayının nasıl toplandığını görmek için üzerine tıklayın.",
    ),
    "network_about": Text("{nodes} operations, every number shown", "{nodes} işlem, her sayısı görünür"),
    "progress_label": Text("lessons done", "bitirilen dersler"),
    "progress": Text(
        "{done} of {all} lessons done: their exercise is solved",
        "{all} dersten {done} tanesi bitti: alıştırması çözüldü",
    ),
    "search": Text("Search", "Ara"),
    "nothing_found": Text("Nothing found", "Hiçbir şey bulunamadı"),
    "theme": Text("Dark or light", "Koyu ya da açık"),
    "large": Text("Large text, for a projector", "Büyük yazı, projeksiyon için"),
    "goals": Text("What you will be able to do", "Neler yapabileceksiniz"),
    "question": Text("First, predict", "Önce öngörün"),
    "reveal": Text("Show without answering", "Yanıtlamadan göster"),
    "wait": Text(
        "The figure and its numbers appear when you have answered.", "Yanıtlayınca şekil ve sayıları burada belirecek."
    ),
    "foreseen": Text("You were right.", "Doğru öngördünüz."),
    "surprised": Text("It is otherwise.", "Öyle değil."),
    "try": Text("Try it", "Deneyin"),
    "numbers": Text("The numbers, line by line", "Sayılar, satır satır"),
    "numbers_help": Text(
        "Press a number to see where it came from.", "Nereden geldiğini görmek için bir sayıya basın."
    ),
    "origin": Text("where it came from", "nereden geldi"),
    "formula": Text("The formula", "Formül"),
    "derin": Text("With your own data", "Kendi verinizle"),
    "copy": Text("Copy", "Kopyala"),
    "copied": Text("Copied", "Kopyalandı"),
    "exercise": Text("Exercise", "Alıştırma"),
    "answer": Text("your answer", "yanıtınız"),
    "check": Text("Check", "Denetle"),
    "hint": Text("Hint", "İpucu"),
    "right": Text("Right.", "Doğru."),
    "wrong": Text("Not yet. Try again, or take a hint.", "Henüz değil. Yeniden deneyin ya da bir ipucu alın."),
    "no_number": Text("Type a number.", "Bir sayı yazın."),
    "erratum": Text("Where the course's documents err", "Ders belgelerinin yanıldığı yer"),
    "after": Text("What comes next", "Sırada ne var"),
    "examples": Text("examples", "örnekler"),
    "own_picture": Text("A picture of your own (it stays in this browser):", "Kendi resminiz (bu tarayıcıda kalır):"),
    "picture_refused": Text(
        "This file is no picture that a browser reads.", "Bu dosya, tarayıcının okuduğu bir resim değil."
    ),
    "picture_before": Text("the picture", "resim"),
    "picture_after": Text("what the kernel makes of it", "çekirdeğin ondan ürettiği"),
    "picture_small": Text(
        "A picture has at least 28 pixels a side, as a window has.",
        "Bir resmin kenarı, pencereninki gibi en az 28 pikseldir.",
    ),
    "windows_answers": Text(
        "the answers of all windows, bright where large", "tüm pencerelerin yanıtları, büyükse parlak"
    ),
    "windows_told": Text(
        "{count} windows at once. The answer of the framed one is {once}; cut out and read alone it is {alone}.",
        "{count} pencere hep birden. Çerçevedekinin yanıtı {once}; kesilip tek başına okununca {alone}.",
    ),
    "beginnings": Text("beginnings", "başlangıçlar"),
    "keys": Text(
        "Drag; or from the keyboard: Enter for the next one, arrows to move it",
        "Sürükleyin; klavyeden: sonraki için Enter, oynatmak için oklar",
    ),
    "step": Text("Step", "Adım"),
    "back": Text("one step back", "bir adım geri"),
    "run": Text("Run", "Yürüt"),
    "pause": Text("Pause", "Duraklat"),
    "reset": Text("Begin again", "Baştan başla"),
    "steps": Text("{count} steps", "{count} adım"),
    "right_of": Text("{right} of {all} right", "{all} örnekten {right} doğru"),
}

# What the playground says beside that.
PLAYGROUND_WORDS: dict[str, Text] = {
    "one_step": Text("One step", "Tek adım"),
    "speed": Text("Steps at a time", "Tek seferde adım"),
    "counted": Text("{steps} steps, {epochs} epochs", "{steps} adım, {epochs} epok"),
    "train_loss": Text("Training loss", "Eğitim kaybı"),
    "test_loss": Text("Test loss", "Test kaybı"),
    "board": Text("What it answers", "Verdiği yanıt"),
    "board_help": Text(
        "Full points are learned from, ringed ones only measure. A click adds a point.",
        "Dolu noktalardan öğrenilir, içi boş olanlar yalnız ölçer. Tıklamak nokta ekler.",
    ),
    "net": Text("The network", "Ağ"),
    "net_help": Text(
        "Each square shows what a unit makes of the plane; press one to see it large. Orange weights are positive, "
        "blue "
        "ones negative.",
        "Her kare, bir birimin düzlemde ne ürettiğini gösterir; büyük görmek için basın. Turuncu ağırlıklar artı, "
        "maviler eksidir.",
    ),
    "layers": Text("Hidden layers", "Gizli katmanlar"),
    "layer_more": Text("add a layer", "katman ekle"),
    "layer_less": Text("remove the last layer", "son katmanı çıkar"),
    "unit_more": Text("add a unit to layer {layer}", "{layer}. katmana birim ekle"),
    "unit_less": Text("remove a unit from layer {layer}", "{layer}. katmandan birim çıkar"),
    "curve": Text("Losses", "Kayıplar"),
    "pens": Text("A click adds", "Tıklamak ekler"),
    "pen_one": Text("an orange point", "turuncu nokta"),
    "pen_zero": Text("a blue point", "mavi nokta"),
    "pen_good": Text("a green point, of a third class", "yeşil nokta, üçüncü sınıftan"),
    "pen_erase": Text("nothing: it takes the nearest away", "eklemez: en yakını siler"),
    "file": Text("Points of your own, from a file", "Kendi noktalarınız, dosyadan"),
    "file_help": Text(
        "A CSV: the first two columns are inputs, the last one the answer (a number, or two or three words). "
        "Inputs are brought to mean 0 and deviation ½. The file stays in this browser.",
        "Bir CSV: ilk iki sütun girdi, son sütun yanıttır (sayı ya da iki, üç sözcük). Girdiler 0 "
        "ortalamaya ve ½ standart "
        "sapmaya getirilir. Dosya bu tarayıcıda kalır.",
    ),
    "file_read": Text("{count} points read", "{count} nokta okundu"),
    "file_refused": Text(
        "This file has no four rows of two numbers and an answer.",
        "Bu dosyada iki sayı ve bir yanıttan oluşan dört satır yok.",
    ),
    "set_data": Text("Data", "Veri"),
    "set_num": Text("Points", "Nokta sayısı"),
    "set_noise": Text("Noise", "Gürültü"),
    "set_testShare": Text("Test share", "Test payı"),
    "set_seed": Text("Seed", "Tohum"),
    "set_activation": Text("Activation", "Aktivasyon"),
    "set_initializer": Text("First weights", "İlk ağırlıklar"),
    "set_batchNorm": Text("Batch norm", "Yığın normalleştirme"),
    "set_dropout": Text("Dropout", "İletim sönümü"),
    "set_optimizer": Text("Optimizer", "Eniyileyici"),
    "set_learningRate": Text("Learning rate", "Öğrenme oranı"),
    "set_batchSize": Text("Batch size", "Yığın boyu"),
    "set_l1": Text("L1", "L1"),
    "set_weightDecay": Text("L2 (weight decay)", "L2 (ağırlık sönümü)"),
    "data_xor": Text("XOR", "XOR"),
    "data_circles": Text("circles", "çemberler"),
    "data_spirals": Text("spirals", "sarmallar"),
    "data_blobs": Text("two blobs", "iki küme"),
    "data_pinwheel": Text("three classes: a pinwheel", "üç sınıf: fırıldak"),
    "data_plane": Text("regression: a plane", "regresyon: düzlem"),
    "data_wave": Text("regression: a wave", "regresyon: dalga"),
    "data_own": Text("points of your own", "kendi noktalarınız"),
    "yes": Text("yes", "evet"),
    "no": Text("no", "hayır"),
    "step_numbers": Text("Every number of the latest step", "Son adımın her sayısı"),
    "step_hint": Text(
        "Press One step: its batch, what each layer makes of it, every slope and every weight before "
        "and after appear "
        "here.",
        "Tek adım'a basın: yığını, her katmanın ondan ne ürettiği, her eğim ve her ağırlığın önceki "
        "ve sonraki değeri "
        "burada belirir.",
    ),
    "the_batch": Text("The batch: {count} points", "Yığın: {count} nokta"),
    "loss_of_step": Text("Loss of this batch", "Bu yığının kaybı"),
    "output": Text("output", "çıktı"),
    "slope_of_output": Text("∂L/∂ output", "∂L/∂ çıktı"),
    "before": Text("{name}, before", "{name}, önce"),
    "slope_of": Text("∂L/∂ {name}", "∂L/∂ {name}"),
    "after_step": Text("{name}, after", "{name}, sonra"),
    "layer_dense": Text("dense layer", "tam bağlı katman"),
    "layer_activation": Text("activation", "aktivasyon"),
    "layer_batch_norm": Text("batch normalization", "yığın normalleştirme"),
    "layer_dropout": Text("dropout", "iletim sönümü"),
    "same": Text("The same in Derin", "Derin'de aynısı"),
    "same_python": Text(
        "These lines give the page's numbers: 64 bits, the same seed, the same order. Of points of "
        "your own, download "
        "the file first.",
        "Bu satırlar sayfanın sayılarını verir: 64 bit, aynı tohum, aynı sıra. Kendi noktalarınız için önce dosyayı "
        "indirin.",
    ),
    "same_command": Text(
        "As a run with a report, on the same points: 32 bits, with a split, a preparation and first weights of its "
        "own, "
        "so its numbers are near these and not the same.",
        "Aynı noktalarla, raporlu bir çalışma olarak: 32 bit; bölmesi, hazırlığı ve ilk ağırlıkları kendisininki "
        "olduğundan sayıları yakındır, aynısı değildir.",
    ),
    "points": Text("Download points.csv", "points.csv'yi indir"),
}
