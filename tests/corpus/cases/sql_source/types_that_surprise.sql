create table T (a integer, b decimal(10,2));
insert into T values (1, 'Quenby'), ('x', 1.5), (9007199254740993, 1e300), (4, null);
