create table T (c text, d text);
