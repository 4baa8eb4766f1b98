create table T (a text, b text);
insert into T values (null, 'Quenby'), ('2', 'Vale'), (null, 'Moss');
