create table T (a text, b text);
insert into T values ('1', 'Quenby' || hex(zeroblob(1500000)));
