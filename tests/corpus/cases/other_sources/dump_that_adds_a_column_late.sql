-- MySQL dump 10.13
CREATE TABLE `T` (
  `a` int NOT NULL,
  `b` varchar(40),
  PRIMARY KEY (`a`)
) ENGINE=InnoDB;
INSERT INTO `T` VALUES (1,'Quenby');
ALTER TABLE `T` ADD COLUMN c int NOT NULL DEFAULT 7;
-- Dump completed on 2026-01-01
