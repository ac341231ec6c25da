"""What the pages of the course say around their lessons, in both languages."""

from __future__ import annotations

from derin.lessons.course.form import Area
from derin.lessons.lesson import Text

AREAS: dict[Area, Text] = {
    "A": Text("One neuron to a deep network", "Tek nörondan derin ağa"),
    "B": Text("Optimization", "Eniyileme"),
    "C": Text("Regularization and normalization", "Düzenlileştirme ve normalleştirme"),
    "D": Text("Convolution by hand", "Elle evrişim"),
    "K": Text("Sequences", "Diziler"),
}

WORDS: dict[str, Text] = {
    "course": Text("Derin: the course", "Derin: ders"),
    "welcome": Text(
        "Each page lets you foresee something, then move it, then check every number of it. Everything is in the "
        "page: it "
        "needs no connection, and what you do stays in this browser.",
        "Her sayfada önce bir şeyi öngörür, sonra onu hareket ettirir, sonra her sayısını denetlersiniz. Her şey "
        "sayfanın "
        "içindedir: bağlantı gerekmez ve yaptıklarınız bu tarayıcıda kalır.",
    ),
    "glossary": Text("Glossary", "Sözlük"),
    "glossary_about": Text(
        "The course's words, with the Turkish word beside each.",
        "Dersin terimleri, her birinin yanında İngilizcesiyle.",
    ),
    "printed": Text("Lessons that run in the terminal", "Uçbirimde çalışan dersler"),
    "printed_about": Text(
        "These have no page yet: each is a command that prints its numbers and draws its picture.",
        "Bunların henüz sayfası yok: her biri, sayılarını yazdıran ve şeklini çizen bir komuttur.",
    ),
    "progress_label": Text("lessons done", "bitirilen dersler"),
    "progress": Text(
        "{done} of {all} lessons done: their exercise is solved",
        "{all} dersten {done} tanesi bitti: alıştırması çözüldü",
    ),
    "search": Text("Search", "Ara"),
    "nothing_found": Text("Nothing found", "Hiçbir şey bulunamadı"),
    "theme": Text("Dark or light", "Koyu ya da açık"),
    "large": Text("Large text, for a projector", "Büyük yazı, projeksiyon için"),
    "goals": Text("What you will be able to do", "Neler yapabileceksiniz"),
    "question": Text("First, foresee it", "Önce öngörün"),
    "reveal": Text("Show without answering", "Yanıtlamadan göster"),
    "wait": Text(
        "The figure and its numbers appear when you have answered.", "Yanıtlayınca şekil ve sayıları burada belirecek."
    ),
    "foreseen": Text("You foresaw it.", "Doğru öngördünüz."),
    "surprised": Text("It is otherwise.", "Öyle değil."),
    "try": Text("Try it", "Deneyin"),
    "numbers": Text("The numbers, line by line", "Sayılar, satır satır"),
    "numbers_help": Text(
        "Press a number to see where it came from.", "Nereden geldiğini görmek için bir sayıya basın."
    ),
    "origin": Text("where it came from", "nereden geldi"),
    "formula": Text("The formula", "Formül"),
    "derin": Text("With your own data", "Kendi verinizle"),
    "copy": Text("Copy", "Kopyala"),
    "copied": Text("Copied", "Kopyalandı"),
    "exercise": Text("Exercise", "Alıştırma"),
    "answer": Text("your answer", "yanıtınız"),
    "check": Text("Check", "Denetle"),
    "hint": Text("Hint", "İpucu"),
    "right": Text("Right.", "Doğru."),
    "wrong": Text("Not yet. Try again, or take a hint.", "Henüz değil. Yeniden deneyin ya da bir ipucu alın."),
    "no_number": Text("Type a number.", "Bir sayı yazın."),
    "erratum": Text("Where the course's documents err", "Ders belgelerinin yanıldığı yer"),
    "after": Text("What comes next", "Sırada ne var"),
    "examples": Text("examples", "örnekler"),
    "step": Text("Step", "Adım"),
    "back": Text("one step back", "bir adım geri"),
    "run": Text("Run", "Yürüt"),
    "pause": Text("Pause", "Duraklat"),
    "reset": Text("Begin again", "Baştan başla"),
    "steps": Text("{count} steps", "{count} adım"),
    "right_of": Text("{right} of {all} right", "{all} örnekten {right} doğru"),
}
