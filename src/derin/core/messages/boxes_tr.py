"""What Derin says of boxes in pictures in Turkish."""

from __future__ import annotations

from derin.core.messages import CatalogEntry

MESSAGES: dict[str, CatalogEntry] = {
    "task.detection": "nesne algılama (detection)",
    "task.localization": "nesnenin yerini bulma (localization)",
    "metric.map": "mAP (AP ortalaması, IoU 0,50–0,95)",
    "metric.ap": "ortalama kesinlik (AP), IoU 0,50–0,95",
    "metric.ap50": "IoU 0,50'de AP",
    "metric.ap75": "IoU 0,75'te AP",
    "metric.map_small": "küçük nesnelerde mAP (32² pikselden küçük)",
    "metric.map_medium": "orta boy nesnelerde mAP",
    "metric.map_large": "büyük nesnelerde mAP (96² pikselden büyük)",
    "metric.recall_1": "resimde her sınıftan 1 kutuyla bulunan",
    "metric.recall_10": "10 kutuyla bulunan",
    "metric.recall_100": "100 kutuyla bulunan",
    "boxes.heading": "Kutular",
    "boxes.thresholds": "Bir kutu, sınıfına göre şu olasılıktan başlayarak yanıt sayılır; eşikleri {split} bölümündeki "
    "en iyi F1 seçti.",
    "boxes.thresholds_precision": "Bir kutu, sınıfına göre şu olasılıktan başlayarak yanıt sayılır; eşikler "
    "{split} bölümünde kesinliği {precision:g} olan en düşük olasılıklardır.",
    "boxes.threshold": "eşik",
    "boxes.curves": "Her duyarlılıkta kesinlik, IoU 0,50",
    "boxes.along": "duyarlılık",
    "boxes.point": "{name}: {recall} duyarlılıkta kesinlik {value}",
    "boxes.errors": "Hatalar nereden geliyor, giderilse IoU 0,50'de AP ne kadar artardı",
    "boxes.kind": "tür",
    "boxes.count": "kutu",
    "boxes.gain": "kazanç",
    "boxes.error.class": "yeri doğru, sınıfı yanlış",
    "boxes.error.place": "sınıfı doğru, kutu fazla kaymış",
    "boxes.error.both": "sınıfı yanlış, kutu fazla kaymış",
    "boxes.error.twice": "iki kez bulunmuş",
    "boxes.error.background": "orada bir şey yok",
    "boxes.error.missed": "gözden kaçmış",
    "boxes.worst": "En çok yanlışın olduğu yerler",
    "boxes.legend": "Her resim ağın gördüğü gibi: orada ne var, ağ ne yanıt verdi.",
    "boxes.true": "doğrusu",
    "boxes.found": "yanıt",
    "boxes.wrong": "{count} yanlış ya da eksik",
    "boxes.none": "kutu yok",
    "boxes.written": "çizimi {path}",
    "video.sound_left_out": "ses kaydı alınmadı",
    "video.damaged": "atlanan hasarlı parça sayısı: {count}",
    "video.folder": "resimler video karesi sayıldı, saniyede {rate} kare",
    "video.way": "ağ burada en hızlısı olan {way} ile hesaplanıyor, kare başına: {told}",
    "video.running": "kare: {count}, saniyede {rate:.1f}",
    "video.written": "{path} içindeki kare sayısı: {count}, saniyede {rate:.1f}",
}
