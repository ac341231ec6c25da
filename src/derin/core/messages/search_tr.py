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
    "compare.chance": "{first} ile {second} ayırt edilemiyor: fark rastlantı olabilir.",
    "compare.chosen": "Seçilen: {run} ({numbers}), ölçüt: {goal}.",
    "compare.refused": "Yeterince iyi olmayanlar: {runs}.",
    "compare.front": "birinde daha iyisi ötekinde daha kötü",
    "compare.picture": "Resim: {path}",
}
