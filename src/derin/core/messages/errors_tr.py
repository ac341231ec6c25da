"""What Derin says of mistakes in Turkish."""

from __future__ import annotations

from derin.core.messages import CatalogEntry

MESSAGES: dict[str, CatalogEntry] = {
    # Tags that are found by themselves
    "errors.tag_blurry": "bulanık",
    "errors.tag_dark": "karanlık",
    "errors.tag_bright": "parlak",
    "errors.tag_low_contrast": "düşük karşıtlık",
    "errors.tag_small": "küçük",
    "errors.tag_wide": "geniş",
    "errors.tag_tall": "uzun boylu",
    "errors.tag_short": "kısa",
    "errors.tag_long": "uzun",
    "errors.tag_rare_words": "seyrek sözcükler",
    "errors.tag_unusual": "{column}: alışılmadık değer",
    "errors.tag_missing": "{column}: eksik",
    "errors.tag_rare": "{column}: seyrek değer",
    "errors.tag_source": "{column} = {value}",
    "errors.tag_label": "etiketi büyük olasılıkla yanlış",
    "errors.tag_near_copy": "bir eğitim örneğiyle neredeyse aynı",
    "errors.tag_copy": "bir eğitim örneğinin kopyası",
    # What was measured
    "errors.measured": "{examples:,} örnekte ({split}) {num:,} hata: {error:.2%} ({low:.2%} – {high:.2%}).",
    "errors.parts": "Göz kümesi: {eyeball_examples:,} örnekte {eyeball_num:,} hata ({eyeball_error:.2%}), gösterilir. "
    "Kara kutu kümesi: {blackbox_examples:,} örnekte {blackbox_num:,} hata ({blackbox_error:.2%}), ölçülür ama hiç "
    "gösterilmez.",
    "errors.copies": (
        "{count} örnek bir eğitim örneğinin kopyası ({mistakes:,} tanesi yanlış yanıtlandı).",
        "{count:,} örnek eğitim örneklerinin kopyası ({mistakes:,} tanesi yanlış yanıtlandı).",
    ),
    "errors.without_copies_smaller": "Kopyalar olmadan hata {with_copies:.2%} yerine {error:.2%} ({low:.2%} – "
    "{high:.2%}): kopyalar hatayı küçük gösteriyor.",
    "errors.without_copies_larger": "Kopyalar olmadan hata {with_copies:.2%} yerine {error:.2%} ({low:.2%} – "
    "{high:.2%}): ağ kopyalarda daha çok yanılıyor; etiketleri yanlış olabilir.",
    "errors.without_copies_same": "Kopyalar olmadan da hata aynı: {error:.2%} ({low:.2%} – {high:.2%}).",
    "errors.near_between": (
        "{second} bölümündeki {count} örnek, {first} bölümündeki bir örnekle neredeyse aynı ({names}).",
        "{first} ve {second} bölümlerinden {count:,} örnek çifti neredeyse aynı ({names}, …): hatayı olduğundan küçük "
        "gösterirler.",
    ),
    "errors.near_within": (
        "{second} bölümünde {count} örnek çifti neredeyse aynı ({names}).",
        "{second} bölümünde {count:,} örnek çifti neredeyse aynı ({names}, …).",
    ),
    "errors.shared": (
        "{second} bölümündeki {count} örnek, {first} bölümündeki bir örneğin kopyası.",
        "{second} bölümündeki {count:,} örnek, {first} bölümündeki örneklerin kopyası.",
    ),
    "errors.time_leak": "{column} sütununa göre ölçülen örneklerin {between:.0%}'(s)i eğitim örneklerinin arasında "
    "kalıyor ve yanıtları zamanca komşularınınki gibi (p = {p:.3f}): gelecek günlerde hata daha büyük olur. "
    "Zamana göre ayırın: --time-column {column}.",
    "errors.drift": "Ölçülen örnekler eğitim örneklerinden şunlarda farklı: {features} (onları ayırt eden bir "
    "sınıflandırıcının ROC eğrisi altında kalan alanı {auc:.2f}, p = {p:.3f}).",
    "errors.drift_of_test": "Test verisi doğrulama verisinden şunlarda farklı: {features} (onları ayırt eden bir "
    "sınıflandırıcının ROC altı alanı {auc:.2f}, p = {p:.3f}): birinde seçilen, ötekinde en iyisi olmayabilir.",
    "errors.no_single_feature": "tek başına hiçbir özellik değil",
    "errors.feature_sharpness": "keskinlik",
    "errors.feature_brightness": "parlaklık",
    "errors.feature_contrast": "karşıtlık",
    "errors.feature_area": "boyut",
    "errors.feature_aspect": "en boy oranı",
    "errors.feature_words": "sözcük sayısı",
    "errors.feature_letters": "sözcük başına harf",
    "errors.reference_of_its_own": "Neyin bulanık, uzun ya da alışılmadık olduğu bu örneklerin kendilerine göre "
    "söylenir; çünkü bunlar eğitimin verisi değil.",
    "errors.corrected": (
        "{count} hatanın etiketi yanlış: o olmadan hata {error:.2%} yerine {corrected:.2%}.",
        "{count:,} hatanın etiketi yanlış: onlar olmadan hata {error:.2%} yerine {corrected:.2%}.",
    ),
    "errors.labels": "Büyük olasılıkla yanlış etiket: {examples:,} örnekte {num:,}; etiketler, onları hiç görmemiş "
    "ağlarla karşılaştırıldı ({folds} kat, ağlar etiketlerin {accuracy:.1%}'(s)i ile aynı yanıtı veriyor). En "
    "şüphelileri:",
    "errors.column_tag": "İşaret",
    "errors.column_mistakes": "Hata",
    "errors.column_share": "Pay",
    "errors.column_interval": "%95 aralık",
    "errors.column_gain": "En çok",
    "errors.column_after": "Kalan hata",
    "errors.column_within": "İçindeki hata",
    "errors.ceiling_note": "En çok: bu işareti taşıyan bütün hatalar giderilse hata oranından düşecek olan. İşaretler "
    "örtüşebilir. İçindeki hata: işareti taşıyan bütün örneklerdeki hata oranı.",
    "errors.more_tags": ("{count} işaret daha dosyalarda.", "{count:,} işaret daha dosyalarda."),
    # The page
    "errors.page_title": "{run} hataları",
    "errors.pictures_cut": (
        "{count} hatanın resmi sayfada yok: sayfa en çok {megabytes} MB resim taşır, kaybı en yüksek olanlarınkini.",
        "{count:,} hatanın resmi sayfada yok: sayfa en çok {megabytes} MB resim taşır, kaybı en yüksek olanlarınkini.",
    ),
    "errors.no_storage": "Bu tarayıcı bu sayfadan hiçbir şey saklamıyor: kapatmadan önce işaretlerinizi dışa aktarın.",
    "errors.page_count": "{shown} / {total}",
    "errors.page_loss": "kayıp",
    "errors.page_label_wrong": "etiket yanlış mı?",
    "errors.label_wrong": "etiket yanlış mı?",
    "errors.page_interval": "%95 aralık",
    "errors.page_filter_by": "Yalnızca bu işareti taşıyan hataları göster",
    "errors.page_corrected": "Yanlış bulunan etiket: {wrong}. Bu hatalar olmadan hata oranı {error} yerine "
    "{corrected}.",
    "errors.page_uncorrected": "Hata oranı: {error}. Yanlış etiketleri w ile işaretleyin; oran onlara göre düzeltilir.",
    "errors.page_clear_question": "Kendi işaretlerinizin hepsi silinsin mi?",
    "errors.search": "Adlarda ve metinlerde ara",
    "errors.any_true": "Her etiket",
    "errors.any_predicted": "Her yanıt",
    "errors.any_state": "Hepsi",
    "errors.state_new": "Henüz işaretlenmemiş",
    "errors.list": "Hatalar, kaybı en yüksek olan başta",
    "errors.new_tag": "Yeni işaret",
    "errors.add": "Ekle",
    "errors.keys": "[↑] [↓] gezin · [1]–[9] işaretle · [w] etiket yanlış · [n] yeni işaret · [/] ara · "
    "[Esc] listeye dön",
    "errors.ceilings": "Her işareti gidermek en çok ne kazandırır",
    "errors.export": "CSV olarak dışa aktar",
    "errors.clear": "İşaretlerimi sil",
    "errors.wrote": "Yazıldı: {path}",
}
