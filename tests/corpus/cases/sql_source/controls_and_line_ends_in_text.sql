create table T (a text, b text);
insert into T values ('1', 'Q' || char(7)), ('2', 'Quenby' || char(13) || char(10) || 'x');
