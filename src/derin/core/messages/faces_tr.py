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
}
