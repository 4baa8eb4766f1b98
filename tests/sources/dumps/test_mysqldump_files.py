"""Files of mysqldump, each with the rows it must give."""

# ruff: noqa: S608 - scripts in sight, run nowhere

import pytest

HEAD = """-- MySQL dump 10.13  Distrib 8.0.36
/*!40101 SET NAMES utf8mb4 */;
DROP TABLE IF EXISTS `T`;
CREATE TABLE `T` (
  `ID` int(11) NOT NULL AUTO_INCREMENT COMMENT 'the key; not (a, b',
  `NM` varchar(40) DEFAULT NULL,
  `FULL` varchar(90) GENERATED ALWAYS AS (concat(`NM`,'x')) VIRTUAL,
  `OK` tinyint(1) DEFAULT '0',
  PRIMARY KEY (`ID`),
  KEY `BY_NM` (`NM`(10))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
LOCK TABLES `T` WRITE;
/*!40000 ALTER TABLE `T` DISABLE KEYS */;
"""
TAIL = """/*!40000 ALTER TABLE `T` ENABLE KEYS */;
UNLOCK TABLES;
-- Dump completed on 2026-01-01
"""
FILES = {
    "many rows a statement": ("INSERT INTO `T` VALUES (1,'a',1),(2,NULL,0);\n", [(1, 14, "", "1", "a", "true"), (2, 14, "", "2", None, "false")]),
    "many statements": (
        "INSERT INTO `T` VALUES (1,'a',1);\nINSERT INTO `T` VALUES (2,'b',2);\n",
        [(1, 14, "", "1", "a", "true"), (2, 15, "", "2", "b", "2")],
    ),
    "escapes": (
        r"INSERT INTO `T` VALUES (1,'O\'Brien \"x\" \\ \n\t\r \% \_',1);" + "\n",
        [(1, 14, "", "1", "O'Brien \"x\" \\ \n\t\r \\% \\_", "true")],
    ),
    "doubled quotes": ("INSERT INTO `T` VALUES (1,'O''Brien',1);\n", [(1, 14, "", "1", "O'Brien", "true")]),
    "a backslash before the closing quote": (
        "INSERT INTO `T` VALUES (1,'a\\\\',1),(2,'b',0);\n",
        [(1, 14, "", "1", "a\\", "true"), (2, 14, "", "2", "b", "false")],
    ),
    "NUL": (
        "INSERT INTO `T` VALUES (1,'a\\0',1),(2,'b',0);\n",
        [(1, 14, "control_character", None, None, None), (2, 14, "", "2", "b", "false")],
    ),
    "named columns": ("INSERT INTO `T` (`OK`, `ID`) VALUES (1,7);\n", [(1, 14, "", "7", None, "true")]),
    "a column that is not there": ("INSERT INTO `T` (`ID`, `X`) VALUES (1,7);\n", [(1, 14, "ragged_row", None, None, None)]),
    "bytes": ("INSERT INTO `T` VALUES (1,0xFFD8,1);\n", [(1, 14, "undecodable_row", None, None, None)]),
    "marked bytes": ("INSERT INTO `T` VALUES (1,_binary 'a',1);\n", [(1, 14, "undecodable_row", None, None, None)]),
    "a character set before a text": ("INSERT INTO `T` VALUES (1,_utf8mb4'a',b'1');\n", [(1, 14, "", "1", "a", "true")]),
    "ignore and replace": (
        "INSERT IGNORE INTO `T` VALUES (1,'a',1);\nREPLACE INTO `T` VALUES (2,'b',1);\n",
        [(1, 14, "", "1", "a", "true"), (2, 15, "", "2", "b", "true")],
    ),
    "stored code": (
        ("DELIMITER ;;\nCREATE TRIGGER x BEFORE INSERT ON T FOR EACH ROW BEGIN\nINSERT INTO `T` VALUES (9,'x',1);\nEND ;;\n"
         "DELIMITER ;\nINSERT INTO `T` VALUES (1,'a',1);\n"),
        [(1, 19, "", "1", "a", "true")],
    ),
    "a comma too few": (
        "INSERT INTO `T` VALUES (1,'a',1) (2,'b',1);\n",
        [(1, 14, "", "1", "a", "true"), (2, 14, "broken_record", None, None, None)],
    ),
    "a clause behind the rows": (
        "INSERT INTO `T` VALUES (1,'a',1) ON DUPLICATE KEY UPDATE `NM` = 'b';\nINSERT INTO `T` VALUES (2,'b',1);\n",
        [(1, 14, "", "1", "a", "true"), (2, 15, "", "2", "b", "true")],
    ),
    "a broken row": (
        "INSERT INTO `T` VALUES (1,'a',1),(2,'b'x,1),(3,'c',1);\nINSERT INTO `T` VALUES (4,'d',1);\n",
        [(1, 14, "", "1", "a", "true"), (2, 14, "broken_record", None, None, None), (3, 15, "", "4", "d", "true")],
    ),
    "a row that the next statement breaks off": (
        "INSERT INTO `T` VALUES (1,'a',1),(2,'b'\nINSERT INTO `T` VALUES (3,'c',1),(4,'d',1);\n",
        [(1, 14, "", "1", "a", "true"), (2, 14, "broken_record", None, None, None),
         (3, 15, "", "3", "c", "true"), (4, 15, "", "4", "d", "true")],
    ),
    "a row that the next statement breaks off before a value": (
        "INSERT INTO `T` VALUES (1,'a',1),(2,\nINSERT INTO `T` VALUES (3,'c',1),(4,'d',1);\n",
        [(1, 14, "", "1", "a", "true"), (2, 14, "broken_record", None, None, None),
         (3, 15, "", "3", "c", "true"), (4, 15, "", "4", "d", "true")],
    ),
    "a list of columns that the next statement breaks off": (
        "INSERT INTO `T` VALUES (1,'a',1);\nINSERT INTO `T` (`ID`,\nINSERT INTO `T` VALUES (3,'c',1);\n",
        [(1, 14, "", "1", "a", "true"), (2, 16, "", "3", "c", "true"), (3, 15, "broken_record", None, None, None)],
    ),
    "a word broken off before rows with a line each": (
        "INSERT INTO `T` VALUES\n(1,'a',1),\n(2,NU\n(3,'c',1),\n(4,'d',1);\n",
        [(1, 15, "", "1", "a", "true"), *((row, 14 + row, "broken_record", None, None, None) for row in (2, 3, 4))],
    ),
    "a word that is no INSERT any more": (
        "INSERT INTO `T` VALUES (1,'a',1);\nINSEPT INTO `T` VALUES\n(2,'b',1),\n(3,'c',1);\nINSERT INTO `T` VALUES (4,'d',1);\n",
        [(1, 14, "", "1", "a", "true"), (2, 18, "", "4", "d", "true"),
         *((row, 12 + row, "broken_record", None, None, None) for row in (3, 4, 5))],
    ),
    "a semicolon in place of a comma": (
        "INSERT INTO `T` VALUES (1,'a',1);(2,'b',1),(3,'c',1);\nINSERT INTO `T` VALUES (4,'d',1);\n",
        [(1, 14, "", "1", "a", "true"), (2, 15, "", "4", "d", "true"), (3, 14, "broken_record", None, None, None)],
    ),
    "a semicolon in place of a comma among rows with a line each": (
        "INSERT INTO `T` VALUES\n(1,'a',1);\n(2,'b',1),\n(3,'c',1);\nINSERT INTO `T` VALUES (4,'d',1);\n",
        [(1, 15, "", "1", "a", "true"), (2, 18, "", "4", "d", "true"),
         *((row, 13 + row, "broken_record", None, None, None) for row in (3, 4))],
    ),
    "a broken row among rows with a line each": (
        "INSERT INTO `T` VALUES\n(1,'a',1),\n(2,'b'\n(3,'c',1),\n  (4,'d',1);\nINSERT INTO `T` VALUES (5,'e',1);\n",
        [(1, 15, "", "1", "a", "true"), *((row, 14 + row, "broken_record", None, None, None) for row in (2, 3, 4)),
         (5, 19, "", "5", "e", "true")],
    ),
    "a quote too few among rows with a line each": (
        "INSERT INTO `T` VALUES (1,'a',1),\n(2,'b,1),\n(3,'c',1),\n(4,'d',1);\nINSERT INTO `T` VALUES (5,'e',1);\n",
        [(1, 14, "", "1", "a", "true"), *((row, 13 + row, "broken_record", None, None, None) for row in (2, 3, 4)),
         (5, 18, "", "5", "e", "true")],
    ),
    "a broken list of columns before rows with a line each": (
        "INSERT INTO `T` VALUES (1,'a',1);\nINSERT INTO `T` (`ID`, `NM` VALUES\n(2,'b'),\n(3,'c');\n",
        [(1, 14, "", "1", "a", "true"), *((row, 13 + row, "broken_record", None, None, None) for row in (2, 3, 4))],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_gives_exactly_these_rows(reads, name):
    text, expected = FILES[name]
    assert reads(HEAD + text + TAIL) == expected


def test_a_file_whose_end_is_missing_is_damage_of_its_last_table(reads):
    text = HEAD + "INSERT INTO `T` VALUES (1,'a',1);\n"
    assert reads(text) == [(1, 14, "", "1", "a", "true"), (2, 15, "broken_record", None, None, None)]


def test_a_file_cut_off_in_a_row_is_damage_from_there(reads):
    text = HEAD + "INSERT INTO `T` VALUES (1,'a',1),(2,'b"
    assert [row[2] for row in reads(text)] == ["", "broken_record", "broken_record"]


def test_the_character_set_that_the_dump_names_is_the_files(reads):
    text = HEAD.replace("utf8mb4 */", "latin1 */") + "INSERT INTO `T` VALUES (1,'Núñez €',1);\n" + TAIL
    assert reads(text, encoding="cp1252") == [(1, 14, "", "1", "Núñez €", "true")]
