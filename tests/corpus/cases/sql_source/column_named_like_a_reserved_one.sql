create table T (a text, b text, _row text);
