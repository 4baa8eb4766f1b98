-- MySQL dump 10.13
CREATE TABLE `T` (
  `x` int,
  `a` int NOT NULL,
  `b` varchar(40),
  PRIMARY KEY (`a`)
) ENGINE=InnoDB;
ALTER TABLE `T` DROP COLUMN `x`;
INSERT INTO `T` VALUES (1,'Quenby');
-- Dump completed on 2026-01-01
