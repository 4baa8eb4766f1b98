-- MySQL dump 10.13
SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES');
CREATE TABLE `T` (
  `a` int NOT NULL,
  `b` varchar(40),
  PRIMARY KEY (`a`)
) ENGINE=InnoDB;
INSERT INTO `T` VALUES (1,'Quenby');
-- Dump completed on 2026-01-01
