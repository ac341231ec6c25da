"""What Derin noticed while it read data, in English; said as `Sentence`."""

from __future__ import annotations

from derin.core.messages import CatalogEntry

MESSAGES: dict[str, CatalogEntry] = {
    # Files and archives
    "reading.linked_again": "a link to a folder that is read already",
    "reading.broken_link": "a broken link",
    "reading.cannot_be_read": "cannot be read ({error})",
    "reading.folder_closed": "the folder cannot be opened ({error})",
    "reading.no_plain_file": "no plain file",
    "reading.link": "a link",
    "reading.encrypted": "encrypted",
    "reading.same_name": "a later member has the same name",
    "reading.zero_byte": "its name holds a zero byte",
    "reading.absolute_name": "its name is absolute",
    "reading.leaves_archive": "its name leaves the archive",
    "reading.no_name": "it has no name",
    "reading.name_too_long": "its name is too long",
    "reading.member_too_large": "unpacked it has more than {size} MiB, or more than {ratio:,} times its packed size",
    "reading.file_cannot_be_read": "the file cannot be read ({error})",
    "reading.file_unreadable": "the file cannot be read",
    "reading.file_too_large": "the file is larger than {size} GiB",
    "reading.damaged_in_archive": "damaged in the archive ({error})",
    "reading.hidden_file": "hidden file",
    "reading.hidden_folder": "hidden folder",
    # Pictures
    "reading.no_sound_name": "no sound by its name",
    "reading.name_says_nothing": "its name does not say what it is",
    "reading.no_sound": "no sound that can be read ({error})",
    "reading.sound_empty": "a sound without samples",
    "reading.sound_not_finite": "a sound with samples that are no numbers",
    "reading.sound_rate": "a sound with {rate} samples per second",
    "reading.sound_too_long": "a sound of {seconds:,} s with {channels} {channels:=channel|channels}, more than "
    "is read at once",
    "reading.sound_silent": "silent: nothing reaches 80 dB below full scale",
    "reading.mono_at": "mono, {rate:,} Hz",
    "reading.from_names": "from the names of the files",
    "reading.sounds": "{count:,} {count:=sound|sounds}, {total} long in all; one takes {shortest} to {longest} s, half "
    "of them at most {median} s. Recorded at {rates}.",
    "reading.sounds_resampled": "{count:,} {count:=sound was|sounds were} brought to {rate:,} samples per second. For "
    "another rate, read with the option rate=… (--reader-option).",
    "reading.sounds_averaged": "Of {count:,} {count:=sound|sounds} with several channels their mean is read.",
    "reading.not_kept_together": "Sounds of one {column} may lie in several splits: of a new {column} the answers are "
    "worse than the test says. Read with --group-column {column} to measure that.",
    "reading.splits_by_group": "The splits that the set was published with part what {column!r} keeps together; they "
    "were left out.",
    "reading.no_picture_name": "no picture by its name",
    "reading.in_no_class": "it lies in no class folder",
    "reading.belongs_to_another": "belongs to another picture",
    "reading.companions": (
        "{count:,} mask or map of another picture was left out ({one} belongs to {other}).",
        "{count:,} masks and maps of other pictures were left out ({one} belongs to {other}).",
    ),
    "reading.beside_splits": "the folder lies beside the splits and names none",
    "reading.nested_folders": "Folders inside class folders belong to the class ({some}); where they are classes "
    "themselves, read with the option classes=innermost (--reader-option).",
    "reading.folders_as_split": "Several folders were read as {split}: {folders}.",
    "reading.empty_file": "empty file (0 bytes)",
    "reading.no_picture": "no picture that can be read",
    "reading.truncated": "truncated picture",
    "reading.damaged": "damaged picture ({error})",
    "reading.too_many_pixels": "too large (more than {most:,} pixels)",
    "reading.too_many_bytes": "too large (more than {most} MiB when decoded)",
    "reading.several_pictures": "several pictures in one file: the first was taken",
    "reading.animated": "animated: first frame taken",
    "reading.one_bit": "1-bit picture: black and white became 0 and 255",
    "reading.palette": "palette picture: its colours were written out",
    "reading.cmyk": "CMYK picture: converted to RGB",
    "reading.other_mode": "{mode} picture: converted to RGB",
    "reading.upright": "turned upright as its EXIF orientation says",
    "reading.on_white": "transparent parts were laid on white",
    "reading.unknown_values": "values from {low:g} to {high:g}: no pixels, which are 0 to 1, 0 to 255 or 0 to 65535",
    "reading.values_to_bytes": "values from {low} to {high} became 0 to 255, as in the whole set",
    "reading.values_cut": "values beyond {low} to {high}, the range of the set, were cut off",
    "reading.values_whole": "Pictures of more than 8 bits were brought to 8 by one range: {low} became black and "
    "{high} white.",
    "reading.values_floats": "Pictures of floats were brought to 8 bits by one range: {low} became black and {high} "
    "white.",
    "reading.strip": "very long picture: only its middle was kept",
    "reading.cache_grew": "These pictures take {size} of the cache in {folder}, which holds {total} now; "
    "derin cache shows and bounds it.",
    "reading.cache_rebuilt": "The cache of these pictures was not usable ({problem}) and was built anew.",
    "reading.resized": "All pictures were resized to {height} x {width}.",
    "reading.padded": "All pictures were brought into {height} x {width}, with black around them.",
    "reading.shorter_side": "Pictures were brought to a shorter side of {height} {height:=pixel|pixels}.",
    "reading.enlarged": "{count:,} smaller {count:=picture was|pictures were} enlarged for that.",
    "reading.seen_alike": "A network measures the square in the middle of each picture: {shorter:.0%} of the shorter "
    "side and {least:.0%} of the longer one; --input fit=pad or fit=squeeze shows it all.",
    "reading.seen_between": "A network measures the square in the middle of each picture: {shorter:.0%} of the "
    "shorter side and {least:.0%} to {most:.0%} of the longer one; --input fit=pad or fit=squeeze shows it all.",
    "reading.flips_asked": "Pictures are mirrored in training, as asked, although those of {one!r} and {other!r} are "
    "each other's mirror images: a network cannot tell such classes apart then.",
    "reading.no_flips_gray": "Pictures hold one channel three times: they are gray and are not mirrored in training; "
    "--augment flip does it.",
    "reading.no_flips_names": "The classes {one!r} and {other!r} are each other's mirror images by their names: "
    "pictures are not mirrored in training; --augment flip does it.",
    "reading.no_flips_looks": "{share:.0%} of the mirrored pictures of {one!r} and {other!r} look like those of the "
    "other class: pictures are not mirrored in training; --augment flip does it.",
    "reading.listed_by": "{file} lists the files: its column {column!r} names them, and {targets} is to be "
    "predicted; another column is chosen with target=…",
    "reading.a_space": "a space",
    "reading.a_list": "brackets around them and commas",
    "reading.perhaps_labels": "The cells of {column!r} are taken as classes; if the parts between {mark!r} are several "
    "labels of one example, say --task multilabel.",
    "reading.label_not_known": "The label {label!r} in {column!r} is none that the network knows; it does not count.",
    "reading.several_labels": "The cells of {column!r} hold several labels, with {between} between them: "
    "{num} {num:=label|labels} that may occur together. For classes instead: target_kind=category.",
    "reading.unlisted": (
        "{count:,} file that {file} does not list was left out.",
        "{count:,} files that {file} does not list were left out.",
    ),
    "reading.not_read": "Columns beside the files are not read: {columns}.",
    "reading.kept_encoded": "Decoded, the pictures would fill the disk: they are decoded anew for each batch.",
    "reading.class_unreadable": "class without files that can be read",
    "reading.class_empty": "class without files",
    "reading.class_in_one_split": "class with files in {split} only",
    "reading.not_there": "listed, and no such file is there",
    "reading.all_of_size": "{color}, all {height} x {width}",
    "reading.of_sizes": "{color}, of different sizes",
    "reading.gray": "gray",
    "reading.color": "colour",
    "reading.from_folders": "from the names of the folders",
    "reading.classes_occur": "{present:,} of {known:,} {known:=class|classes} {present:=occurs|occur}",
    "reading.idx_pictures": "IDX pictures",
    "reading.labels_beside": "The labels come from {labels}, which lies beside {file}.",
    "reading.idx_labels": "IDX labels",
    "reading.gzipped_copy": "gzipped copy of a file that is there unpacked",
    "reading.stored_in_color": "Pictures were stored in colour, as asked.",
    "reading.stored_in_gray": "Pictures were stored in gray, as asked.",
    # Arrays
    "reading.targets_read_once": "The targets of all examples ({num:,}) were read once before training, batch by "
    "batch, to find out what is to be learned; what goes in is not kept.",
    "reading.classes_of_outputs": "The network gives {num} {num:=number|numbers} for an example, so that there are as "
    "many classes, 0 to the last; some of them do not occur.",
    "reading.single_one": "rows with a single 1",
    "reading.single_one_turned": "{name!r}: rows with a single 1 among {num} were turned into class numbers.",
    "reading.zeros_and_ones": "rows of 0 and 1: several labels",
    "reading.nan_in": "missing values (NaN) in {missing:,} of {num:,} {num:=example|examples}",
    "reading.infinite_in": "infinite values in {infinite:,} {infinite:=example|examples}, read as missing",
    "reading.array_how": "{name!r}: {how}.",
    "reading.channels_moved": "{name!r}: channels moved from the first axis of a picture to the last.",
    "reading.array_on_white": "{name!r}: the fourth channel is opacity; transparent parts were laid on white.",
    "reading.booleans": "booleans were stored as 0 and 255",
    "reading.pixels_range": "pixels from {low} to {high} were stored as 0 to 255",
    "reading.pixels_of_type": "pixels of type {type} were stored as uint8",
    "reading.nameless_arrays": "The arrays have no names: arr_0 is read as the inputs, arr_1 as the target.",
    # Tables
    "reading.lines_above": (
        "{file}: {count} line above the table was left out.",
        "{file}: {count} lines above the table were left out.",
    ),
    "reading.table_by_content": "{file}: read as a table, because its lines are; its name does not tell.",
    "reading.json_list": "{file}: one list of objects; what is called a line is an object of it.",
    "reading.keys_seldom_plain": "{file}: keys whose value is a text or a number in at most half of the objects are "
    "not read: {keys}.",
    "reading.keys_nested": "{file}: lists and objects within the objects are not read: {keys}.",
    "reading.document": "the file speaks about the data",
    "reading.header_missing": "{file}: the first line holds values, no names; the columns are called column_1 to "
    "column_{num}.",
    "reading.header_short": "{file}: the header names one column fewer than the lines hold; the first column is "
    "called column_1.",
    "reading.header_twice": "{file}: the name {name!r} stands twice in the header; column {place} is called "
    "{unique!r}.",
    "reading.quote_open": "a quote is opened and not closed; the line is left out",
    "reading.empty_lines": (
        "{count:,} empty line",
        "{count:,} empty lines",
    ),
    "reading.no_text_bytes": "holds bytes that are no text; they stand as U+FFFD",
    "reading.surplus_fields": "empty fields beyond the last column; they are left out",
    "reading.other_reasons": ("{count} other reason", "{count} other reasons"),
    "reading.few_fields": "too few fields: {got} where {required} are required",
    "reading.many_fields": "too many fields: {got} where {required} are required",
    "reading.target_missing": "the target is missing",
    "reading.test_left_out": "{file} is left out: it has no column {column!r}, so nothing can be measured on it.",
    "reading.target_column_missing": "the target column {column!r} is not there",
    "reading.extra_columns": "{file}: {columns} left out, because {first} has no such column.",
    "reading.weight_missing": "the weight {column!r} is missing or negative",
    "reading.cell_no_kind": "{cell!r} is no {kind}; the value of {column!r} counts as missing",
    "reading.split_column_unused": "The column {column!r} is not used: the files name the splits.",
    "reading.no_split_in": "no split in {column!r}; the row is in none",
    "reading.splits_from": "The splits come from the column {column!r}.",
    "reading.split_empty": "The split {split!r} has no row left.",
    "reading.no_target_few": "No target was chosen: a table needs two columns or more for that.",
    "reading.no_target": "No target was chosen: {column!r} cannot be one, because {why}. Name one: target=…",
    "reading.target_chosen": "The target is {column!r}, because {why}; another is chosen with target=…",
    "reading.name_says_so": "its name says so",
    "reading.last_column": "it is the last column",
    "reading.column_empty": "it is empty",
    "reading.holds_dates": "it holds dates",
    "reading.holds_strings": "it holds {num:,} different {num:=string|strings} in {rows:,} {rows:=row|rows}, which "
    "are neither classes nor "
    "numbers",
    "reading.together_labels": "{num} {num:=label|labels} that may occur together, each 0 or 1",
    "reading.numbers_at_once": "{num} {num:=number|numbers} at once",
    "reading.left_empty": "left out: it is empty",
    "reading.left_same": "left out: all rows have the same value",
    "reading.left_numbering": "left out: it numbers the rows",
    "reading.left_identifier": "left out: its name and its all different values are those of an identifier",
    "reading.codes": "named like an identifier but repeats: taken as codes, not amounts",
    "reading.left_own_string": "left out: every row has a string of its own",
    "reading.left_strings": "left out: {num:,} different {num:=string|strings} in {rows:,} {rows:=row|rows} tell "
    "nothing about other rows",
    "reading.left_as_asked": "left out as asked",
    "reading.left_many_strings": "left out: more than {most} different strings",
    "reading.left_other_time": "left out: the time stands in another column",
    "reading.missing_target_row": "target {column!r} is missing: the row belongs to no split",
    "reading.no_feature_text": "The column {column!r} is no feature, because it is text.",
    "reading.embedded": "Each class of {column!r} ({classes}) becomes a vector of {dim} {dim:=number|numbers} that "
    "is learned; classes of a single training row share one.",
    "reading.no_feature_empty": "The column {column!r} is no feature, because it is empty in all training rows.",
    "reading.conflicting": "equal inputs with different targets: at least one of them is wrong, or the inputs do "
    "not tell",
    # Kinds of values
    "reading.whole_numbers": "whole numbers",
    "reading.numbers": "numbers",
    "reading.decimal_comma": " with a decimal comma",
    "reading.grouping_comma": " with commas between thousands",
    "reading.numbers_note": "{kind}{way}, {different:,} different",
    "reading.with_missing": "{note}, {missing:,} missing",
    "reading.dates_note": "dates {how}, {different:,} different",
    "reading.year_first": "written year first",
    "reading.day_first_dots": "written DD.MM.YYYY",
    "reading.month_first": "written MM/DD/YYYY (second numbers beyond 12 occur)",
    "reading.day_first": "written DD/MM/YYYY (first numbers beyond 12 occur)",
    "reading.ambiguous": "that are ambiguous (no number beyond 12 occurs), taken as DD/MM/YYYY; --date-order says "
    "otherwise",
    "reading.text_note": "text: {different:,} different {different:=string|strings}",
    "reading.category": "category",
    "reading.strings": "strings",
    "reading.strings_note": "{kind}, {different:,} different{examples}",
    "reading.as_classes": "taken as classes, {why}",
    "reading.as_asked": "as asked",
    "reading.zero_and_one": "because they are 0 and 1",
    "reading.few_whole": "because {num} whole {num:=number stands|numbers stand} in {rows:,} {rows:=row|rows}",
    "reading.semicolon": "{first}; {second}",
    "reading.comma": "{first}, {second}",
    # Ways of writing cells
    "reading.grouping_point": " with points between thousands ({example})",
    "reading.grouping_point_likely": " with points between thousands ({example}), as is usual where cells are "
    "separated by semicolons; they could be decimal points, which --reader-option decimal=. says",
    "reading.decimal_point_likely": " with decimal points ({example}); they could stand between thousands, which "
    "--reader-option decimal=, says",
    "reading.grouping_point_unit": " with points between thousands ({example}), as is usual beside this unit; they "
    "could be decimal points, which --reader-option decimal=. says",
    "reading.with_affix": " with the sign {affix}{way}",
    "reading.with_unit": " with the unit {affix}{way}",
    "reading.amounts": " in {unit}, from several units ({units})",
    "reading.amounts_of_zeros": " with zeros spelled as {units}",
    "reading.unit_otherwise": "if these are names and not amounts, say --kind COLUMN=category",
    "reading.alike_but_for_capitals": "classes differ in capital letters alone ({classes}); write those alike that are "
    "one",
    "reading.several_units": "numbers with several units ({units}) are words, no amounts; write them in one unit",
    "reading.with_infinite": "{note}, {infinite:,} infinite and read as missing",
    "reading.order_as_asked": "written {order}, as asked",
    "reading.order_by_steps": "written {order} (only so their steps are even)",
    "reading.year_first_short": "written YY-MM-DD; the years 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068",
    "reading.short_years": "{how}; the years 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068",
    "reading.written_quarters": "written as quarters",
    "reading.written_months": "written as month and year",
    "reading.written_weeks": "written as weeks of a year",
    "reading.written_names": "with names of months",
    "reading.digits_days": "written YYYYMMDD",
    "reading.digits_months": "written YYYYMM",
    "reading.digits_minutes": "written YYYYMMDDhhmm",
    "reading.digits_moments": "written YYYYMMDDhhmmss",
    "reading.digits_seconds": "in seconds since 1970 (UTC)",
    "reading.digits_milliseconds": "in milliseconds since 1970 (UTC)",
    "reading.digits_microseconds": "in microseconds since 1970 (UTC)",
    "reading.digits_nanoseconds": "in nanoseconds since 1970 (UTC)",
    "reading.one_zone": "{how}, with the time of {zones}",
    "reading.several_zones": "{how}, with times of several zones ({zones}): the time that stands there counts, and "
    "nothing is moved to another day",
    "reading.of_column": "{column!r}: {note}.",
    "reading.flags": "true or false",
    "reading.word_is_value": "{words} is a value here ({rows:,} {rows:=row|rows}) and means nothing missing; "
    "--missing says "
    "otherwise",
    "reading.codes_zeros": "leading zeros ({example}) make them codes, not amounts",
    "reading.codes_long": "numbers of {num} {num:=digit|digits} are codes, not amounts",
    "reading.codes_plus": "numbers with a plus are codes, such as of telephones, not amounts",
    "reading.left_index": "left out: an index that was saved with the table",
    "reading.weight_as_asked": "weight of each example, as asked",
    "reading.group_as_asked": "rows of one value stay in one split, as asked",
    "reading.names_splits": "names the split of each row",
    "reading.not_in_training": "left out: it was not in the training data",
    "reading.target_is_word": "the target is {word!r}, which means missing; --missing says which words do",
    "reading.other_delimiter": "{file}: fields are separated by {delimiter!r}, unlike in the training data; numbers "
    "are read as they were written there.",
    "reading.sheet_chosen": "{file}: the sheet {sheet!r} was read; others are {others} (--reader-option sheet=NAME).",
    "reading.formulas_unsaved": (
        "{file}: {count:,} formula has no saved value and counts as missing; open the file in Excel and save it.",
        "{file}: {count:,} formulas have no saved values and count as missing; open the file in Excel and save it.",
    ),
    "reading.other_content": "{file}: by its content the file is {content}, and is read as that.",
    # Splits
    "reading.training_dev_why": "Validation and test are of {source} alone: the error on training-dev tells whether "
    "more comes of over-fitting or of the difference. --training-dev 0 trains on these examples too.",
    "reading.training_dev_drift": "Validation came with the data and is of another kind than training: a "
    "classifier tells them apart (AUC {auc:.2f}, p = {p:.3f}). The error on training-dev tells whether more comes"
    " of over-fitting or of the difference, and derin errors RUN in what they differ. --training-dev 0 trains on "
    "these examples too.",
    "reading.training_dev": (
        "{count:,} training example is held out as training-dev: measured, and not trained on.",
        "{count:,} training examples are held out as training-dev: measured, and not trained on.",
    ),
    "reading.train_on_dev": (
        "{count:,} validation example trains beside the others.",
        "{count:,} validation examples train beside the others.",
    ),
    "reading.dev_from": "Validation and test are of {source} alone: {kept:,} of its rows train beside {others:,} "
    "others. Of the {held:,} rows of {split}, about {mixed:,} would be of {source} if they were cut from all.",
    "reading.cut_one": "{first} was cut from {source}; seed {seed}{how}.",
    "reading.cut_two": "{first} and {second} were cut from {source}; seed {seed}{how}.",
    "reading.split_of_size": "{split} ({count:,})",
    "reading.from_train": "train, which keeps {count:,}",
    "reading.from_all": "all rows, train keeps {count:,}",
    "reading.classes_held_out": "{split} holds {num} {num:=class|classes} as a whole, which {num:=is|are} not trained "
    "on ({count:,} {count:=example|examples}): {classes}.",
    "reading.classes_unused": (
        "{count:,} example belongs to no split: its class is held out of the part that it came with.",
        "{count:,} examples belong to no split: their classes are held out of the part that they came with.",
    ),
    "reading.in_proportion": "every class in proportion",
    "reading.in_near_proportion": "classes as near their proportion as whole groups allow",
    "reading.groups_together": "rows of one {column!r} together",
    "reading.nothing_to_train": "There is no training split: this data can be looked at and measured on.",
    "reading.cut_without_time": "Rows carry dates ({column!r}) and were cut at random, so that later rows help to "
    "foretell earlier ones; time_column={column!r} (--time-column) cuts them in order of time.",
    "reading.latest_by": "the latest rows by {column!r}",
    "reading.equal_together": "equal examples together",
    # Texts
    "reading.as_encoding_marked": "{file}: read as {encoding}, which its byte-order mark names.",
    "reading.as_encoding_zeros": "{file}: read as {encoding}, found from its zero bytes (it has no byte-order mark).",
    "reading.as_utf8_although": "{file}: read as UTF-8, although some of its bytes are not.",
    "reading.as_encoding_turkish": "{file}: read as {encoding}, because its bytes fit Turkish letters; save it as "
    "UTF-8 if letters look wrong.",
    "reading.as_encoding_other": "{file}: read as {encoding}, because it is not UTF-8; save it as UTF-8 if letters "
    "look wrong.",
    "reading.no_such_bytes": "bytes that are no {encoding}",
    "reading.no_text": "the file is no text",
    "reading.file_empty": "the file is empty",
    "reading.text_empty": "the text is empty",
    "reading.label_missing": "the label is missing",
    "reading.columns_of_texts": "{file}: the texts come from {text!r}, the labels from {label!r}; left out: {others}.",
    "reading.from_column": "from the column {column!r}",
    "reading.from_class_files": "from the names of the files, one for each class",
    "reading.a_file_for_a_class": "Each file was read as one class, with an example on each line; for running text "
    "say --task lm.",
    "reading.not_opened": "Beside these tables other files were not read: {files}.",
    "reading.from_files": "from the names of the files",
    "reading.half_pairs": "half of a character (such as \\ud800): U+FFFD stands in its place",
    "reading.no_json": "the line is no JSON",
    "reading.no_json_object": "the line is no JSON object with a text and a label",
    "reading.class_files": "A file with one class was named; those of all classes were read: {files}.",
    "reading.files_not_utf8": "Files that are not UTF-8 were read: {files}.",
    "reading.num_as": "{count:,} as {encoding}",
    "reading.endings_only": "only {endings} files are read",
    "reading.line_ends": "Line ends of Windows or of old Macs became line feeds: {files}.",
    "reading.characters": "{files}, {num:,} {num:=character|characters}; {how}.",
    "reading.num_files": (
        "{count:,} file",
        "{count:,} files",
    ),
    "reading.last_of_each": "the last {share:.0%} of each is val",
    "reading.last_of_train": "the last {share:.0%} of each file of train is val",
    "reading.names_tell_splits": "the names of the files tell the splits",
    "reading.names_tell_some": "The names of some files tell a split ({files}), but not of all, or train is "
    "missing; they were not used.",
    "reading.longer_than": "{count:,} {count:=text is|texts are} longer than {longest:,} {longest:=token|tokens}; "
    "only that many of each are read.",
    # Tagged sentences
    "reading.documents_left_out": "{file}: {count:,} {count:=line|lines} {mark} {count:=was|were} left out.",
    "reading.comments_left_out": "{file}: {count:,} {count:=line|lines} of comment {count:=was|were} left out.",
    "reading.header_left_out": "{file}: the first line names the columns ({header}) and was left out.",
    "reading.several_words": "a word of several syntactic words, or one that is not written",
    "reading.others_no_tags": "Left out, because they hold no tagged words: {files}.",
    "reading.words_and_tags": "Words come from column {word} of {width}, tags from column {tag} ({how}).",
    "reading.part_of_speech": "the part of speech of CoNLL-U; ask for another by its number",
    "reading.last_of_spans": "the last that marks spans",
    "reading.first_of_spans": "the one that marks spans",
    "reading.first_repeats": "the one whose cells repeat themselves",
    "reading.as_in_training": "as in training",
    "reading.no_tags": "there are no tags",
    "reading.words_alone": "Words come from column {word} of {width}, without tags ({how}).",
    "reading.tags_written": "Tags are written as {example}; it is read as {read_as}.",
    "reading.other_columns_empty": "other than {num} {num:=column|columns}, or no word: its sentence has no answer",
    "reading.the_last": "the last",
    "reading.other_columns": "other than {num} {num:=column|columns}: its sentence is left out",
    "reading.tags_marked": "from column {column}, marked as {scheme}",
    "reading.iob1": "Tags are in IOB1 (B-X only between two touching spans); they were converted to BIO.",
    "reading.bioes": "Tags are in BIOES (also written BILOU or BMES); they were converted to BIO.",
    "reading.io": "Tags name types alone, so that every run of one type is read as one span; they were converted to "
    "BIO.",
    "reading.tag_mended": "the tag does not follow {scheme}; read as the nearest that does",
    "reading.tags_mended": "Tags that did not follow {scheme} and were mended: {num:,}; the findings list them.",
    "reading.tags_unseen": "Tags that train does not have and no network can learn from it: {tags}.",
    # Sentence pairs
    "reading.source_side": "{file}: the texts are those of column {column}.",
    "reading.direction": "The direction is from {source!r} to {target!r}: {why}. The settings source and target "
    "change it.",
    "reading.first_column_first": "the first column of the file comes first",
    "reading.named_order": "the name {name!r} says so",
    "reading.english_first": "English comes first where nothing says otherwise",
    "reading.alphabetical": "the languages in alphabetical order",
    "reading.no_tab": "the line has no tab, so no partner",
    "reading.more_columns": "{file}: {count:,} {count:=line has|lines have} more than two columns; the columns "
    "{first!r} and "
    "{second!r} are read, the others left out.",
    "reading.both_empty": "both sides are empty",
    "reading.source_empty": "the source is empty",
    "reading.target_empty": "the target is empty",
    "reading.composed": "{file}: letters with separate accents were composed (Unicode NFC).",
    "reading.first_line_names": "{file}: the first line names the columns {first!r} and {second!r}.",
    "reading.name_no_split": "its name tells no split",
    "reading.split_has_files": "the split {split!r} has files already",
    "reading.name_no_free_split": "its name tells no split that is still free",
    # Sequences of letters
    "reading.before_header": "the line stands before the first header (>)",
    "reading.header_alone": "the header has no sequence",
    "reading.strange_codes": "the sequence holds {letters}, no code of {kind}",
    "reading.small_letters": "Small letters in {count:,} {count:=sequence|sequences} became capital ones.",
    "reading.sequences_of": "{count:,} {count:=sequence|sequences} of {kind}; their classes come {where}.",
    "reading.amino_acids": "amino acids",
    "reading.from_header_keys": "from the headers (key=class)",
    "reading.from_header_bars": "from the headers (after the last |)",
    # Series
    "reading.left_text": "The column {column!r} was left out: it is text.",
    "reading.time_sorted": "The rows were not in the order of time; they are now.",
    "reading.no_moment": "the columns {columns} give no moment; the row is left out",
    "reading.time_from_columns": "time from the columns {columns}",
    "reading.ordering_numbers": "numbers that order the rows",
    "reading.row_number": "the number of the row",
    "reading.no_time": "No column holds a time: each row is one step after the row above it.",
    "reading.series_unnamed": "the series (column {column!r}) is not named; the row is left out",
    "reading.steps_of": "{note}; steps of {step}",
    "reading.time_again": "its time comes again below; the later row counts",
    "reading.between_steps": "its time lies between two steps of {step}; the row is left out",
    "reading.steps_missing": (
        "{count} step is missing; they stand in the table without values",
        "{count} steps are missing; they stand in the table without values",
    ),
    "reading.gaps": (
        "{steps:,} steps are missing in {count:,} gap (from {starts}); they stand in the table without values.",
        "{steps:,} steps are missing in {count:,} gaps (from {starts}); they stand in the table without values.",
    ),
    "reading.uneven_series": "The steps of {series} are uneven ({step} is commonest, {odd:,} of {num:,} differ): their "
    "rows are taken as one step apart.",
    "reading.series_short": (
        "{count} series is too short in train for a window of {needed:,} steps, and nothing is learned from it: "
        "{series}.",
        "{count:,} series are too short in train for a window of {needed:,} steps, and nothing is learned from them: "
        "{series}.",
    ),
    "reading.unlike_steps": "Steps are {step} apart; other steps have: {others}.",
    "reading.uneven": "The steps are uneven ({step} is commonest, {odd:,} of {num:,} differ): rows are taken as one "
    "step apart. To fill the gaps in time instead, read with steps=time.",
    "reading.values_missing": "{column!r}: {missing:,} of {num:,} {num:=value|values} {missing:=is|are} missing "
    "(first {places}); networks "
    "read the last known value in their place, and losses and measurements leave them out.",
    "reading.time_unreadable": "the time (column {column!r}) cannot be read; the row is left out",
    "reading.cell_of_no_kind": "the cell of {column!r} is no {kind}; it counts as missing",
    "reading.cut_in_time": "Cut in the order of time: {spans}.",
    "reading.cut_in_time_left": "Cut in the order of time: {spans}; {left:,} {left:=row belongs|rows belong} to no "
    "split.",
    "reading.span": "{split} {first} to {last} ({count:,})",
    "reading.never_changes": "The column {column!r} is not read: it never changes in the training steps.",
    # Vectors
    "reading.word_and_numbers": "a word and {num} {num:=number|numbers} are required",
    "reading.word_not_utf8": "the word is not UTF-8",
    "reading.value_not_finite": "a value is not finite",
    "reading.word_empty": "the word is empty",
    "reading.word_again": "the word stands again; the first one counts",
    "reading.all_zero": "all its values are 0: it is like no other word",
    # Named sets
    "reading.copy_differs": "This copy differs from the published set: {what} has {here:,} of {published:,} "
    "{published:=example|examples}.",
    "reading.the_set": "it",
    "reading.copy_jpeg": "This copy differs from the published set: its pictures are JPEG files, which lost some "
    "detail.",
    "reading.digits_range": "The gray values 0 to 16 of scikit-learn's digits are stored as 0 to 255.",
    "reading.imagenet_names": "Its classes are named as in imagenet-simple-labels; there is one picture of each of "
    "a hundred.",
    "reading.titanic_test": "Kaggle's test file of the Titanic tells no outcome and is not read; val and test are "
    "cut from train.",
    "reading.pima_zeros": "In glucose, blood_pressure, skin_thickness, insulin and bmi a 0 stands for a missing value.",
    "reading.sst2_sentences": "SST-2 is built from the same sentences: do not train on one and measure on the other.",
    "reading.etth1_cut": "Cut as the papers do, 12, 4 and 4 months of 30 days; the hours after them are left out.",
    "reading.generated_language": "generated, language {language}",
    "reading.year_month_day": "year-month-day",
    "reading.days_and_forms": "{num:,} days of 1970 to 2069 in {forms} forms; every day stands in one row, so no "
    "day of the test set is seen in training.",
    "reading.dna_direction": "DNA, from 5' to 3'",
    "reading.made_by_rule": "{num:,} {what}, made by a rule; the last tenth measures.",
    "reading.food_sentences": "sentences of the food grammar",
    "reading.melodies": "melodies in ABC notation",
    "reading.kind_number": "number",
    "reading.kind_category": "category",
    "reading.kind_date": "date",
    "reading.kind_text": "text",
    # Masks
    "reading.no_mask": "the picture has no mask",
    "reading.no_picture_of_mask": "no picture belongs to this mask",
    "reading.more_masks": "its picture has a mask already",
    "reading.mask_is_photo": "more than {most} different values: a photograph and no mask, or a mask saved as JPEG",
    "reading.all_void": "no pixel of the mask has a class",
    "reading.mask_resized": "brought from {height} × {width} pixels to the size of its picture (nearest pixel)",
    "reading.mask_shares": "Shares of the pixels that have a class: {shares}; without a class (void) are "
    "{void} of all.",
    "reading.maybe_instances": "Each mask counts 0, 1, 2, … to a number of its own, as masks of single objects do; "
    "if they number objects of one class, say so with the setting instances, such as instances=person.",
    # Boxes
    "reading.boxes_of_form": "{boxes:,} {boxes:=box|boxes} in {count:,} {count:=picture|pictures} ({form}).",
    "reading.annotation_refused": "not read: {error}",
    "reading.no_annotation": "no annotation of a picture",
    "reading.box_without_numbers": "a box without four numbers",
    "reading.class_without_name": "a class without a name",
    "reading.picture_without_name": "a picture without a name or a number",
    "reading.picture_twice": "a picture that is listed twice",
    "reading.no_picture_of_annotation": "an annotation of a picture that the file does not list",
    "reading.outlines_drawn": "{outlines:,} {outlines:=outline|outlines} in {count:,} {count:=picture|pictures} "
    "({form}) became masks; where they overlap, the smaller thing lies on top.",
    "reading.box_without_outline": "a thing that is marked by a box alone: its pixels are void",
    "reading.crowd_is_void": "an outline around many that are not told apart (crowd): its pixels are void",
    "reading.outline_of_other_class": "an outline of a class that the training data does not have: its pixels are void",
    "reading.outline_unreadable": "an outline that cannot be read; its box is kept",
    "reading.classes_differ": "{file} numbers its classes otherwise than the files before it; each is read by its own.",
    "reading.pixels_from_1": "Pixels count from 1, as boxes at the edges tell; otherwise say first_pixel=0 "
    "(--reader-option).",
    "reading.pixels_from_0": "Pixels count from 0; where they count from 1, say first_pixel=1 (--reader-option).",
    "reading.picture_absent": "the picture is not there",
    "reading.in_no_list": "the picture stands in no list of a split",
    "reading.no_annotation_of_picture": "no file says what is in it",
    "reading.unannotated": "no file says what is in it: kept as a picture without any of the things "
    "(unannotated=skip leaves such pictures out)",
    "reading.nothing_marked": "nothing is marked in it: kept as a picture without any of the things",
    "reading.marked_twice": "marked in two files; what both say is kept",
    "reading.size_scaled": "marked in a picture of {height} × {width} pixels and brought to its {rows} × {columns}",
    "reading.size_wrong": "the annotation says {height} × {width} pixels, the picture has {rows} × {columns}; boxes "
    "are taken as they are",
    "reading.exif_untold": (
        "EXIF turns {count:,} picture, and nothing tells whether its boxes were drawn before or after: they are taken "
        "as drawn after (exif=stored for before).",
        "EXIF turns {count:,} pictures, and nothing tells whether their boxes were drawn before or after: they are "
        "taken as drawn after (exif=stored for before).",
    ),
    "reading.exif_upright": "EXIF turns {count:,} {count:=picture|pictures}: sizes and places show that boxes were "
    "drawn in the upright picture ({told:,}).",
    "reading.exif_stored": "EXIF turns {count:,} {count:=picture|pictures}: sizes and places show that boxes were "
    "drawn before that ({told:,}); they were turned as well.",
    "reading.box_without_area": "a box without area",
    "reading.box_outside": "a box outside of its picture",
    "reading.class_not_trained": "a box of a class that the training data does not have",
    "reading.box_twice": "a box that stands there twice",
    "reading.corners_swapped": "a box with swapped corners, which was turned",
    "reading.box_clipped": "a box that reaches out of its picture, clipped to it",
    "reading.box_unnamed": "a box whose class has no name, called “unnamed”",
    "reading.box_of_crowd": "a box around many that are not told apart (crowd)",
    "reading.box_difficult": "a box that is marked as difficult",
    "reading.classes_without_box": (
        "{count:,} class has no box: {some}.",
        "{count:,} classes have no box: {some}.",
    ),
    "reading.line_no_box": "a line that is no box: the number of a class and four numbers are",
    "reading.class_number_unnamed": "class {number} stands in no list of names",
    "reading.places_in_pixels": "Places are in pixels, as their size shows.",
    "reading.places_are_shares": "Places are shares of width and height, as their size shows.",
    "reading.box_order": "The numbers of a box are read as {order}, as they show; otherwise name it with order= "
    "(--reader-option).",
    "reading.class_attribute": "The class of a region is its attribute “{attribute}”.",
    "reading.region_unreadable": "a region that cannot be read (shape {shape})",
    "reading.boxes_of_masks": "Boxes are drawn around the single things of the masks, which are called “{name}” "
    "(instances=NAME, --reader-option).",
    # Points
    "reading.points_of_form": "{points} {points:=point|points} in each of {count:,} {count:=picture|pictures} "
    "({form}).",
    "reading.no_points": "no point of the things that are marked in it is known",
    "reading.subjects": "The names of the files tell {count:,} {count:=subject|subjects} ({file} is of {name}): the "
    "pictures of one stay in one split (subjects=none lets them be parted).",
    "reading.several_shapes": "points of several things in one picture; those of the largest are kept",
    "reading.points_unreadable": "{count} {count:=point|points} whose place is no number: taken as not visible",
    "reading.points_outside": "{count} {count:=point|points} outside of the picture",
    "reading.pairs_of_names": "{count} {count:=pair|pairs} of left and right points change places in mirror images, "
    "as their names tell (pairs=none for none).",
    "reading.pairs_of_shape": "{count} {count:=pair|pairs} of left and right points change places in mirror images: "
    "the mean shape is its own mirror image (pairs=none for none).",
    "reading.no_pairs": "No points change places in mirror images: neither names nor the mean shape tell which; name "
    "them with pairs=0-1,2-3 (--reader-option).",
}
