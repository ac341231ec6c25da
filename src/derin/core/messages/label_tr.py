"""İnsanların kendi yanıtlarıyla ölçülen hatası için Derin'in Türkçe söyledikleri."""

from __future__ import annotations

from derin.core.messages import CatalogEntry

MESSAGES: dict[str, CatalogEntry] = {
    "label.plan": "Etiketlerine bakılmadan yanıtlanacak {num:,} örnek ({split}). İnsanların hatası {error:.1%} ise %95 "
    "aralık yaklaşık {low:.1%} ile {high:.1%} arası olur; yarısı kadar dar bir aralık {half:,} örnek ister.",
    "label.all": "Bölümün tamamı bu: ondan daha dar bir aralık çıkmaz.",
    "label.next": "Sayfayı açın, yanıtlayın, dosyayı kaydedin ve geri verin: {command}",
    "label.mistakes": "{name}: {examples:,} örnekte {num:,} hata: {error:.2%} ({low:.2%} – {high:.2%})",
    "label.majority": "çoğunluk",
    "label.agreement": "{readers} arasındaki uyum, {num:,} örnekte: κ = {kappa:.2f} ({low:.2f} – {high:.2f})",
    "label.no_kappa": "{readers} arasındaki uyum: hepsi baştan sona tek bir yanıt verdi; bu bir şey söylemez.",
    "label.all_readers": "bütün okuyucular",
    "label.recorded": "Yazıldı: {path}; derin diagnose {run} bunların en küçüğünü insan düzeyi sayar.",
    "label.by_hand": "Bu verilerle eğitilmiş bir çalışma için: derin diagnose RUN --human {error}",
    # Sayfa
    "label.page_title": "Bu ne? {data}",
    "label.no_storage": "Bu tarayıcı bu sayfadan hiçbir şey saklamıyor: kapatmadan önce yanıt dosyasını kaydedin.",
    "label.reader": "Adınız",
    "label.question": "Hangisi?",
    "label.search": "Yanıtı yazın; Enter ilkini seçer",
    "label.back": "Geri",
    "label.unknown": "Söyleyemem",
    "label.later": "Sonra",
    "label.export": "Yanıtları CSV olarak kaydet",
    "label.clear": "Yanıtlarımı sil",
    "label.keys": "[←] geri · [→] sonra · [?] söyleyemem (hata sayılır) · harfler ya da rakamlar yanıtlar",
    "label.page_count": "{answered} / {total} yanıtlandı",
    "label.page_place": "{place} / {total}",
    "label.page_clear_question": "Bu okuyucunun bütün yanıtları silinsin mi?",
    "label.page_done": "Hepsi yanıtlandı. Dosyayı kaydedin ve geri verin.",
    "label.page_named_first": "Önce kimin okuduğunu yazın: okuyucuların yanıtları adlarıyla ayırt edilir.",
}
