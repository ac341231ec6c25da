"""What Derin says of faces in Turkish."""

from __future__ import annotations

from derin.core.messages import CatalogEntry

MESSAGES: dict[str, CatalogEntry] = {
    "faces.unsupported": "{pairs:,} farklı kişi çifti, {asked:,} çiftte 1 yanlış eşleşme oranını gösteremez: içlerinde "
    "hiç hata olmasa bile en iyi {shown:,} çiftte 1 gösterilebilir. Bunun için {needed:,} bağımsız çift gerekir.",
    "faces.few_people": "{pairs:,} farklı çift yalnızca {people:,} kişiye ait; bu yüzden bağımsız değiller: birçok "
    "yüze benzeyen tek bir yüz, çiftlerin çoğunda yer alır. Kişiler üzerinden bulunan aralık daha dürüsttür.",
    "faces.unsupported_fpir": "Her biri tanınmayan kişi sayılan {people:,} kişi, tanınmayanların {asked:.2%} kadarının "
    "birine benzetildiğini gösteremez: hiç hata olmasa bile en iyi {shown:.2%} gösterilebilir. Bunun için {needed:,} "
    "kişi gerekir.",
    "faces.roc_title": "{same:,} aynı, {different:,} farklı kişi çifti",
    "faces.roc_x": "yanlış eşleşme oranı: kabul edilen farklı kişiler",
    "faces.roc_y": "kabul edilen aynı kişiler (1 − FNMR)",
    "faces.roc_eer": "eşit hata oranı {eer:.2%}",
    "faces.roc_threshold": "eşik {threshold:.3f}",
    "faces.roc_unsupported": "bunu söylemek için çift sayısı az",
    # Bulmak ve ölçmek
    "faces.found": "{count:,} yüz.",
    "faces.face": "{left:.0f}, {top:.0f} konumunda {width:.0f} × {height:.0f} piksel, olasılık {probability:.1%}",
    "faces.drawn": "Yüzleri işaretlenmiş resim {path} dosyasında.",
    "faces.accuracy": "Doğru karar verilen çiftler: {pairs:,} çiftte {accuracy:.2%} ± {error:.2%}; {folds} parçanın "
    "her birine ötekilerden bulunan eşikle karar verildi.",
    "faces.rates": "Eşit hata oranı {eer:.2%}, ROC altında kalan alan {auc:.4f}; bütün çiftlerin eşiği "
    "{threshold:.3f}.",
    "faces.nearest": "En yakın öteki resmi aynı kişiden olanlar: {nearest:.2%}, {people:,} kişi.",
    "faces.one_picture": "Herkesin tek resmi kayıtlıyken doğru bulunan kişi: {rank1:.2%}, bu resmin {choices:,} "
    "seçiminin ortalaması.",
    "faces.several": "{count:,} resimde birden çok yüz var; her birinin en büyüğü alındı.",
    "faces.whole": "{count:,} resimde yüz bulunamadı; bütünü alındı.",
    "faces.reading": "yüzler okunuyor",
    "faces.enrolled": "{place} içine {people:,} kişi, {embeddings:,} görüntüyle kaydedildi.",
    "faces.skipped": "{count:,} kişi zaten kayıtlıydı, olduğu gibi bırakıldı.",
    "faces.near": "{name} ile {other} aynı kişi olabilir: ikisinin birer görüntüsü arasındaki uzaklık {distance:.3f}.",
    "faces.reembedded": "{place} içindeki {people:,} kişinin yeni modelle {embeddings:,} gömmesi var. Eşiği yeniden "
    "ayarlayın.",
    "faces.left_out": "Dışarıda bırakıldı: {reason}",
    "faces.name": "ad",
    "faces.embeddings": "görüntü",
    "faces.since": "kayıt",
    "faces.note": "not",
    "faces.time": "zaman",
    "faces.action": "işlem",
    "faces.who": "kim",
    "faces.people": "{place} içinde {count:,} kişi.",
    "faces.exported": "{name} hakkında saklananların tümü {path} içinde.",
    "faces.deleted": "{names} silindi; {count:,} gömme de onunla birlikte.",
    "faces.indexed": "{place} içindeki {embeddings:,} gömmenin dizini {seconds:,.1f} saniyede kuruldu. Denenen "
    "{queries:,} kayıtlı gömmede en yakın öteki gömme {recall:.2%} oranında bulunuyor, her biri {approximate:.3f} ms; "
    "hepsiyle karşılaştırmak {exact:.3f} ms sürüyor.",
    "faces.index_size": "Dizin, gömmelerin yanında {size} yer tutuyor.",
    "faces.index_short": "Bu, istenen {asked:.2%} oranının altında; önemli olan yerde tam arama yapın.",
    "faces.index_dropped": "{place} içinde artık dizin yok: her arama bütün gömmelerle karşılaştırır.",
    "faces.by_index": "Dizinle arandı; dizin kurulurken {queries:,} denemede en yakını {recall:.2%} oranında bulmuştu.",
    "faces.index_grown": "Dizin {before:,} gömmeyle kurulmuştu, şimdi {now:,} gömme var; `derin faces index` ile "
    "yeniden kurun.",
    "faces.accepted": "Evet: {picture}, {name} adlı kişiyi gösteriyor (uzaklık {distance:.3f}, en çok "
    "{threshold:.3f}).",
    "faces.refused": "Hayır: {picture}, {name} adlı kişiyi göstermiyor (uzaklık {distance:.3f}, eşik {threshold:.3f}).",
    "faces.verification_rates": "En çok {asked:.3%} yanlış eşleşme için ayarlandı: {different:,} farklı kişi "
    "çiftinin {fmr:.3%} kadarı kabul edildi (başka kişilerle {low:.3%} ile {high:.3%} arası), {same:,} aynı kişi "
    "çiftinin {fnmr:.2%} kadarı reddedildi.",
    "faces.not_supported": "Bu kadar az çift o oranı gösteremez; en iyi {shown:.3%} gösterilebilir.",
    "faces.several_enrolled": "Kayıtlı {pictures:,} görüntünün en yakını sayılır; bu yüzden yanlış eşleşmeler "
    "{pictures:,} katına kadar çıkabilir.",
    "faces.threshold_published": "Bu galeri için ayarlanmış bir eşik yok. {threshold:.3f}, yayımlanmış ağırlıkların "
    "eşiğidir ve buradaki hata oranları bilinmiyor; `derin faces calibrate` görüntülerinize göre bir eşik bulur.",
    "faces.threshold_given": "{threshold:.3f} eşiğini siz verdiniz; hata oranları bilinmiyor.",
    "faces.is": "{picture} [{place}]: {name} (uzaklık {distance:.3f})",
    "faces.nobody": "{picture} [{place}]: kayıtlı hiç kimse değil (en yakını {distance:.3f} uzaklıkta)",
    "faces.candidate": "    {distance:.3f}  {name}",
    "faces.identification_rates": "Böyle {enrolled:,} kişi kayıtlıyken tanınmayan yüzlerin {fpir:.2%} kadarına bir "
    "ad veriliyor (başka kişilerle {low:.2%} ile {high:.2%} arası), kayıtlı yüzlerin {fnir:.2%} kadarına kendi adı "
    "verilmiyor.",
    "faces.more_enrolled": "Burada {people:,} kişi kayıtlı; kayıtlı kişi arttıkça tanınmayan yüzlere daha sık ad "
    "verilir.",
    "faces.fpir_bound": "Kayıtlı {people:,} kişi arasında, yanlış eşleşme oranına göre tanınmayan yüzlerin en çok "
    "{bound:.2%} kadarına bir ad verilir.",
    "faces.fmr": "FMR   {different:,} farklı kişi çiftinin {fmr:.3%} kadarı kabul edildi ({low:.3%} ile {high:.3%} "
    "arası)",
    "faces.fnmr": "FNMR  {same:,} aynı kişi çiftinin {fnmr:.2%} kadarı reddedildi ({low:.2%} ile {high:.2%} arası)",
    "faces.over_people": "      başka kişilerle: {low:.3%} ile {high:.3%} arası",
    "faces.eer": "EER   {eer:.2%}, AUC {auc:.4f}",
    "faces.at_fmr": "      FMR {fmr:.2%} iken FNMR {fnmr:.2%}",
    "faces.identifying": "{enrolled:,} kişi kayıtlıyken kimlik bulma, eşik {threshold:.4f}:",
    "faces.fpir": "FPIR  tanınmayan yüzlerin {fpir:.2%} kadarına bir ad veriliyor (başka kişilerle {low:.2%} ile "
    "{high:.2%} arası)",
    "faces.fnir": "FNIR  kayıtlı yüzlerin {fnir:.2%} kadarına kendi adı verilmiyor ({low:.2%} ile {high:.2%} arası), "
    "{misidentified:.2%} kadarına başka bir ad veriliyor",
    "faces.calibrated": "Eşik {threshold:.4f}, {place} içinde saklandı.",
    "faces.roc_written": "ROC eğrisi {path} içinde.",
    "faces.grouped": "{pictures:,} görüntüdeki {faces:,} yüz, {groups:,} grupta; {alone:,} grupta tek yüz var.",
    "faces.wrote": "Yazıldı: {path}",
}
