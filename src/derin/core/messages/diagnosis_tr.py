"""What Derin says in Turkish of what is wrong with a system and of what may help."""

from __future__ import annotations

from derin.core.messages import CatalogEntry

MESSAGES: dict[str, CatalogEntry] = {
    "diagnosis.heading": "Sorun ne, şimdi ne yapmalı",
    "diagnosis.set_reference": "karşılaştırma",
    "diagnosis.set_train": "eğitim",
    "diagnosis.set_traindev": "eğitim-geliştirme",
    "diagnosis.set_dev": "geliştirme",
    "diagnosis.set_test": "test",
    "diagnosis.of_set": "{count:,} {set}",
    "diagnosis.part_avoidable_bias": "önlenebilir bias",
    "diagnosis.part_variance": "varyans",
    "diagnosis.part_data_mismatch": "veri uyuşmazlığı",
    "diagnosis.part_dev_overfit": "geliştirme setine aşırı uydurma",
    "diagnosis.is_none": "göze çarpan bir sorun yok",
    "diagnosis.is_cannot_tell": "söylenemez",
    "diagnosis.exactly": "kesin biliniyor",
    "diagnosis.first": "Önce şu denenebilir: {why} {command}",
    "diagnosis.ladder": "Karşılaştırmadan test verisine hatalar",
    # The verdict
    "diagnosis.avoidable_bias": "Önce önlenebilir bias: kendi eğitim verisinde bile hata {more}; karşılaştırma hatası "
    "olan {less} değerinin {part} üzerinde. Kendisine gösterileni henüz öğrenmemiş.",
    "diagnosis.avoidable_bias_zero": "Önce önlenebilir bias: kendi eğitim verisinde bile hata {part}. Kendisine "
    "gösterileni henüz öğrenmemiş.",
    "diagnosis.variance": "Önce varyans: eğitim verisinde {less} olan hata, {set} verisinde {more} oluyor; fark "
    "{part}. Örneklerini işin kendisinden daha iyi biliyor.",
    "diagnosis.data_mismatch": "Önce veri uyuşmazlığı: eğitimdekilerle aynı türden, ayrı tutulmuş örneklerde {less} "
    "olan hata, geliştirme verisinde {more} oluyor; fark {part}. Karşılaşacağından başka bir veriyle eğitilmiş.",
    "diagnosis.dev_overfit": "Geliştirme setine aşırı uydurulmuş: hata bu sette {less}, test verisinde {more}; fark "
    "{part}. Aynı geliştirme örnekleriyle gereğinden çok şey seçilmiş ya da iki set aynı biçimde ayrılmamış.",
    "diagnosis.also": "{name} neredeyse o kadar büyük: {part}.",
    "diagnosis.none": "Göze çarpan bir sorun yok: hatanın en büyük bölümü olan {name}, {part}.",
    "diagnosis.cannot_tell": "Önce neyin geldiği henüz söylenemez: en büyük bölüm olan {name}, {part}.",
    "diagnosis.more_examples": "Bunu söylemeye yaklaşık {counts} örneği daha yeter.",
    "diagnosis.surely": "{name} ise her durumda en az {low}.",
    "diagnosis.with_interval": "{value} ({low} ile {high} arası)",
    # What the numbers leave open
    "diagnosis.no_reference": "Karşılaştırma hatası bilinmiyor: önlenebilir bias sıfıra göre ölçüldü. İşin kimsenin "
    "önleyemediği bir hatası varsa insanların ulaştığı hatayı ölçün (derin label RUN) ya da verin (--human 0.01).",
    "diagnosis.no_reference_unit": "Karşılaştırma hatası bilinmiyor; {train} olan eğitim hatasının ne kadarının "
    "önlenebileceği söylenemez. Başka yerde ulaşılan hatayı --human ile verin.",
    "diagnosis.method_reference": "Karşılaştırma hatası bilinmiyor; önlenebilir bias, {method} yönteminin aynı "
    "örneklerde ulaştığı hataya ({value}) göre ölçüldü.",
    "diagnosis.measured_human": "Karşılaştırma {name}: derin label ile ölçüldü; {num:,} örnekte ({split}) {error} "
    "({low} ile {high} arası).",
    "diagnosis.below_reference": "{train} olan eğitim hatası, {reference} olan karşılaştırma hatasının altında: "
    "kimsenin altına inemediği hata artık bilinmiyor.",
    "diagnosis.otherwise": "{level} ({value}) ile karşılaştırılsaydı sonuç şu olurdu: {principal}.",
    "diagnosis.exact": "{metric} için güven aralığı bilinmiyor: sayılar kesin kabul edildi.",
    "diagnosis.metric": "Hata olarak şu alındı: {error}.",
    "diagnosis.error_share": "1 − {metric}",
    "diagnosis.relative_to_naive": "ortalama kare hatanın, aynı veride son değeri yinelemenin hatasına oranı",
    "diagnosis.given_dev": "Doğrulama verisi setle birlikte geldi. Eğitim verisiyle aynı türden olup olmadığı bu "
    "sayılardan anlaşılmaz.",
    "diagnosis.learning_curve": "Daha az örnekle eğitim",
    "diagnosis.twice": "İki kat örnekle ({size}) geliştirme hatası {now} yerine yaklaşık {then} olurdu ({low} ile "
    "{high} arası); eğri {floor} değerine yaklaşıyor.",
    # What may help: a run
    "remedy.heading": "Neler denenebilir, en umut verici olandan başlayarak",
    "remedy.more_examples": "Yaklaşık {counts} örneği daha ölçülürse neyin önce geldiği söylenebilir.",
    "remedy.interrupted": "Eğitim yarıda kesildi: ağ hakkında karar vermeden önce sürdürün.",
    "remedy.weights": "{count:,} fotoğraf bir ağa, {weights} ağırlıklarının gördüğü bir milyon fotoğraftan daha az "
    "şey öğretir; bu ağırlıklarla başlayın.",
    "remedy.out_of_time": "Eğitim, {seconds:g} sn sonra süresi dolduğu için bitti; ağ hakkında karar vermeden önce "
    "daha çok süre verin.",
    "remedy.still_learning": "{count:,} epok bittiğinde ağ hâlâ öğreniyordu; daha uzun eğitin.",
    "remedy.few_epochs": "Verdiğiniz {count:,} epok bu kadar örnek için az; seçimi Derin'e bırakın.",
    "remedy.jumps": "Eğitim kaybı yukarı sıçradı: {lr:g} öğrenme oranı fazla yüksek; onda birini deneyin.",
    "remedy.jumps_asked": "Eğitim kaybı yukarı sıçradı: verdiğiniz {lr:g} öğrenme oranı fazla yüksek; seçimi Derin'e "
    "bırakın.",
    "remedy.flat": "{lr:g} öğrenme oranıyla eğitim kaybı neredeyse hiç değişmedi; düşüren bir oran arayın.",
    "remedy.flat_asked": "Verdiğiniz {lr:g} öğrenme oranıyla eğitim kaybı neredeyse hiç değişmedi; seçimi Derin'e "
    "bırakın.",
    "remedy.options": "Ağın seçeneklerini elle verdiniz ({options}); olağan hâliyle deneyin.",
    "remedy.unregularize": "Verdiğiniz ayarlar ağı geri tutuyor ({names}); seçimi Derin'e bırakın.",
    "remedy.larger": "{model}, gösterilene göre küçük kalıyor olabilir; {larger} daha çok şey öğrenebilir.",
    "remedy.find_rate": "Başka bir öğrenme oranı aynı örneklerden daha çok şey öğrenebilir; bu komut kısa bir "
    "eğitimde yüz oranı dener.",
    "remedy.augment": "Eğitim görüntülerini değiştiren bir şey yok: kaydırılmış, döndürülmüş ve yakınlaştırılmış "
    "görüntüler yeni örnek sayılır.",
    "remedy.augment_more": "{now} yanında her eğitim görüntüsünün bir bölümünü kapatın ki tek bir ayrıntı belirleyici "
    "olmasın.",
    "remedy.dropout": "Daha çok iletim sönümü (şimdi {now:g}), ağın tek tek birimlere dayanmasını önler.",
    "remedy.decay": "Daha çok ağırlık sönümü (şimdi {now:g}), ağı daha düzgün tutar.",
    "remedy.other_dev": "Başka örneklerle seçin: başka bir tohum (seed) başka bir geliştirme seti çeker.",
    "remedy.new_dev": "Başka örneklerle seçin: yeni ve daha büyük bir geliştirme seti toplayıp onunla ölçün.",
    "remedy.mismatch": "Eğitim örnekleriyle geliştirme örneklerinin nerede ayrıldığına bakın.",
    "remedy.train_on_dev": "Önemli olan tür yalnızca geliştirme setinde olduğundan bu örneklerin bir bölümünü de "
    "eğitime katın; kalanı seçer ve ölçer.",
    "remedy.training_dev": "Eğitim örneklerinin bir bölümünü ayırın: bunlardaki hata, varyansı veri uyuşmazlığından "
    "ayırır.",
    "remedy.general_mismatch": "Geliştirme örneklerinin bir bölümünü de eğitime katın; kalanı seçer ve ölçer.",
    "remedy.general_differences": "Eğitim ve geliştirme örneklerinin nerede ayrıldığına bakın.",
    "remedy.data": "Varyansa karşı en çok daha fazla örnek işe yarar; öğrenme eğrisi, iki katının ne getireceğini "
    "söyler.",
    "remedy.general_data": "Daha çok eğitim örneği toplayın; öğrenme eğrisi, iki katının ne getireceğini söyler.",
    # What may help: a system of which only the errors are known
    "remedy.general_larger": "Daha büyük bir ağ, küçüğünün öğrenemediğini öğrenebilir.",
    "remedy.general_longer": "Daha uzun ya da daha iyi bir eniyileyiciyle eğitin.",
    "remedy.general_rate": "Daha iyi bir öğrenme oranı ya da başka bir mimari arayın.",
    "remedy.general_weights": "Örnekler görüntüyse yayımlanmış ağırlıklarla başlayın.",
    "remedy.general_augment": "Eğitim örneklerini rastgele değiştirin; böylece daha çok örnek sayılırlar.",
    "remedy.general_regularize": "Düzenlileştirin: ağırlık sönümü, iletim sönümü.",
    "remedy.general_dev": "Daha büyük ya da başka bir geliştirme setiyle seçin.",
}
