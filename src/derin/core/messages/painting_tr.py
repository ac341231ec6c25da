"""What Derin says of pictures that are painted and dreamed, in Turkish."""

from __future__ import annotations

from derin.core.messages import CatalogEntry

MESSAGES: dict[str, CatalogEntry] = {
    "painting.step": "{step:,}. adım",
    "painting.steps": "adım",
    "painting.total": "toplam maliyet",
    "painting.content": "α · içerik",
    "painting.style": "β · stil",
    "painting.roughness": "γ · pürüz",
    "painting.answer": "katmanların yanıtı",
    "painting.wrote": "{width} × {height} piksel, {path} dosyasında.",
    "painting.wrote_strip": "Nasıl oluştuğu: {path}.",
    "painting.costs": "Toplam maliyet {before} → {after}; içerik {content}, stil {style} "
    "(1: hiçbiri yok, 0: tamamı var).",
    "painting.dreamed": "{num:,} oktav; katmanların yanıtı ilk adımda {before}, son adımda {after}.",
}
