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
}
