create table T (a integer primary key, b date);
insert into T values (1, '2020-02-30'), (2, 'Quenby'), (3, 43831), (4, '0000-00-00');
