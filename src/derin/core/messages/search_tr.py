"""What Derin says of choosing and searching in Turkish."""

from __future__ import annotations

from derin.core.messages import CatalogEntry

MESSAGES: dict[str, CatalogEntry] = {
    # Bir seçimin adını verebileceği ölçüler
    "metric.error": "hata",
    "metric.f_beta": "F-beta",
    "metric.f2": "F2",
    "metric.f0.5": "F0,5",
    "metric.weighted_error": "ağırlıklı hata",
    "metric.latency_ms": "bir örnek için ms",
    "metric.memory_mb": "MB bellek",
    "metric.size_mb": "diskte MB",
    "metric.parameters": "parametre",
    # Karşılaştırma
    "compare.run": "çalışma",
    "compare.measured": "Hepsi için aynı olan {count:,} {split} örneğinde ölçüldü.",
    "compare.measured_alone": "{run} kendi {count:,} {split} örneğinde ölçüldü.",
    "compare.no_common": "Çalışmalar farklı verilerde ölçüldü: hiçbirinin eğitilmediği ve hepsinde bulunan bir "
    "örnek yok. Sayıları yan yana duruyor, ama farklı olup olmadıkları sınanamıyor; hepsi için veriyi "
    "--data ile verin.",
    "compare.some_common": "En çok {whole:,} örnekten {num:,} tanesi bütün çalışmalarda var ve eğitimde kullanılmadı; "
    "ötekiler dışarıda bırakıldı.",
    "compare.trained_on": "Çalışmalardan bir başkasının eğitildiği {count:,} örnek dışarıda bırakıldı.",
    "compare.unlike_answers": "{count:,} örneğin doğru yanıtı kümelerden birinde başka; dışarıda bırakıldı.",
    "compare.by_place": "Çalışmalar veriyi farklı okuyor, örneğin resimleri başka boyutlarda; örnekler verideki "
    "yerlerinden tanındı.",
    "compare.no_test": "{task} görevinin tek bir örneğe yanıtı yok; farkların rastlantı olup olmadığı sınanmadı.",
    "compare.many_pairs": "{pairs:,} çift sınandı: eşit derecede iyi yirmi çiftten biri rastlantıyla farklı görünür.",
    "compare.difference": "{metric}, {one} eksi {other}: {difference} (%95 aralık {low} ile {high} arası).",
    "compare.p_value": " McNemar p = {p}.",
    "compare.better": "{better}, {worse} çalışmasından daha iyi.",
    "compare.at_the_border": "Sınırda: McNemar sınaması ile aralıktan biri {first} ile {second} arasında fark "
    "olduğunu, öteki bunun rastlantı olabileceğini söylüyor. Daha çok örnekte ölçün.",
    "compare.chance": "{first} ile {second} ayırt edilemiyor: fark rastlantı olabilir.",
    "compare.chosen": "Seçilen: {run} ({numbers}), ölçüt: {goal}.",
    "compare.refused": "Yeterince iyi olmayanlar: {runs}.",
    "compare.front": "birinde daha iyisi ötekinde daha kötü",
    "compare.picture": "Resim: {path}",
    # Arama
    "search.title": "{data} üzerinde ayar araması",
    "search.maximize": "doğrulamada olabildiğince çok {metric}",
    "search.minimize": "doğrulamada olabildiğince az {metric}",
    "search.maximize_subject": "doğrulamada olabildiğince çok {metric}; koşullar: {limits}",
    "search.minimize_subject": "doğrulamada olabildiğince az {metric}; koşullar: {limits}",
    "search.result": "Sonuç",
    "search.history": "Deneme deneme",
    "search.together": "Bütün ayarlar bir arada",
    "search.together_about": "Her çizgi bir denemedir: her ekseni o ayarın değerinde keser, ulaştığı sonuçta biter. "
    "Sonuç ne kadar iyiyse çizgi o kadar koyudur. İyi çizgilerin bir araya toplandığı ayar önemlidir.",
    "search.together_title": "ayarlardan sonuca ({metric})",
    "search.settings": "Ayar ayar",
    "search.importance": "Hangi ayarlar önemliydi",
    "search.trials": "Bütün denemeler",
    "search.again": "Devam etmek",
    "search.nothing_yet": "Henüz hiçbir deneme sonuna ulaşmadı.",
    "search.nothing_fits": "Hiçbir deneme koşulları sağlamıyor.",
    "search.best": "En iyi çalışma {run}: doğrulamada {metric} {best}.",
    "search.better": "En iyi çalışma {run}: doğrulamada {metric} {best}; varsayılan ayarlarla {default}.",
    "search.default_best": (
        "Varsayılan ayarlarla doğrulamada {metric} {best}; öteki {count:,} deneme daha iyi değil ({run}).",
        "Varsayılan ayarlarla doğrulamada {metric} {best}; öteki {count:,} denemenin hiçbiri daha iyi değil ({run}).",
    ),
    "search.by": "Ayarları: {settings}.",
    "search.test": "Hiçbir seçimde kullanılmayan ve yalnız en iyi çalışma için ölçülen test setinde: {metric} {value}.",
    "search.optimism": "{count:,} denemenin en iyisi doğrulamada olduğundan iyi görünür, çünkü onunla birlikte şans da "
    "seçilir; gerçek değerini test seti söyler.",
    "search.baselines": "Saniyeler süren yöntemler, doğrulamada {metric}: {values}.",
    "search.baseline_majority": "çoğunluk",
    "search.baseline_mean": "ortalama",
    "search.baseline_linear": "doğrusal model",
    "search.baseline_neighbors": "en yakın komşular",
    "search.history_of": "doğrulamada {metric} ve o ana kadarki en iyi",
    "search.legend": "Turuncu: en iyi. Mavi: sonuna kadar eğitildi. Gri: vazgeçildi, o ana kadar ulaştığı değerle.",
    "search.trial": "deneme",
    "search.outcome": "son",
    "search.epochs": "epok",
    "search.time": "süre",
    "search.finished": "bitti",
    "search.halved": "vazgeçildi",
    "search.diverged": "ıraksadı",
    "search.failed": "başarısız",
    "search.running": "sürüyor",
    "search.importance_share": "bir ayarın açıkladığı fark payı",
    "search.importance_about": "Denemeler arasındaki farkların bu kadarı, tek başına ya da ötekilerle birlikte, "
    "o ayarla açıklanır (bir ormanın işlevsel varyans çözümlemesi; Hutter ve ark. 2014). Az denemeyle yalnız bir "
    "ipucudur.",
    "search.importance_early": "Sonuna ulaşan deneme az; {epoch:,}. epoğa gelmiş denemeler "
    "o andaki sonuçlarıyla karşılaştırıldı.",
    "search.importance_unknown": "Hangi ayarların önemli olduğunu söylemek için farklı sonuçlu çok az deneme sonuna "
    "ulaştı.",
    "search.trials_about": "Her deneme trials klasöründe bir çalışmadır. Vazgeçilen deneme durumunu saklar: derin "
    "train "
    "--resume onu sürdürür.",
    "search.telling": "Deneme {number}: {outcome}, {metric} {value}; {settings}",
    "search.telling_failed": "Deneme {number}: {outcome}; {settings}; {reason}",
    "search.going_on": "Arama bitmedi; sürdürmek için: {command}",
    "search.saved": "En iyi çalışma {run}; aramanın sayfası: {address}",
    "search.page": "Aramanın sayfası: {address}",
    "search.elsewhere": "En iyi çalışma başka bir makinede, oradaki aramanın {run} klasöründe.",
    # End to end against staged
    "pipelines.end_to_end": "uçtan uca",
    "pipelines.staged": "aşamalı",
    "pipelines.oracle": "aşamalı, gerçek yerden",
    "pipelines.training": "Ağlar eğitiliyor",
    "pipelines.size": "eğitim örneği",
    "pipelines.right": "test setinde doğru yanıt",
    "pipelines.difference": "uçtan uca eksi aşamalı",
    "pipelines.classifier": "sınıflandırıcı",
    "pipelines.about": "Her ses, {seconds:.2g} saniyelik gürültünün bir yerindedir ve ondan {snr:g} dB güçlüdür. Uçtan "
    "uca yolda bir ağ bütün parçanın spektrogramını okur; aşamalı yolda ses enerjisiyle bulunur, MFCC ortalaması ve "
    "sapması alınır, sonra sınıflandırılır. {count:,} test örneği; bütün aralıklar %95.",
    "pipelines.end_to_end_wins": "{sizes} eğitim örneğiyle uçtan uca yol daha iyi.",
    "pipelines.staged_wins": "{sizes} eğitim örneğiyle aşamalı yol daha iyi.",
    "pipelines.chance": "{sizes} eğitim örneğiyle ikisi ayırt edilemiyor: fark rastlantı olabilir.",
    "pipelines.ceiling_voice": "Kusursuz bir ilk aşama, yani sesin gerçek yeri, doğru yanıtlara {value:+.1%} katardı "
    "({low:+.1%} ile {high:+.1%} arası); bulunan yer gerçeğiyle {overlap:.0%} ortak.",
    "pipelines.ceiling_recognition": "Ondan sonra kusursuz öznitelikler ve kusursuz bir sınıflandırıcı {value:+.1%} "
    "katardı ({low:+.1%} ile {high:+.1%} arası).",
    "pipelines.work_on": "En çok kazanç şuradan gelir: {stage}.",
    "pipelines.stage_voice": "sesi bulma",
    "pipelines.stage_recognition": "öznitelikler ve sınıflandırıcı",
    # Bölümlerin boyutları
    "splits.shares": "{splits}: örnekler %{shares} oranında bölündü. Derin doğrulama ve test için {share:.0%} "
    "keser, her "
    "biri en çok "
    "{largest:,}: bir milyon örnekte %98 / 1 / 1, çünkü on bin örnek yarım yüzdeyi ayırt eder.",
    "splits.tells": "{count:,} {split} örneği, {accuracy:.0%} dolayındaki bir doğruluğu ±{half:.1%} içinde söyler: iki "
    "çalışma arasında daha küçük bir fark rastlantı olabilir.",
    "splits.alike": "Doğrulama ile test seti birbirine benziyor: bir sınıflandırıcı onları ayırt edemiyor "
    "(p = {p:.2g}).",
    "splits.differ": "Doğrulama ile test seti farklı: bir sınıflandırıcı onları ayırt ediyor (AUC {auc:.2f}; "
    "{features}). Doğrulamada seçilen, test setinin ölçtüğünden başka bir şeyi hedefler; ikisini aynı "
    "örneklerden alın.",
    "splits.no_feature": "tek başına hiçbir özellik",
}
