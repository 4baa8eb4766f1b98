-- MySQL dump 10.13
CREATE TABLE `T` (
  `a` int NOT NULL,
  `b` varchar(40),
  PRIMARY KEY (`a`)
) ENGINE=InnoDB;
INSERT INTO `T` VALUES (1,"O'Quenby"),(2,"Vale");
SET SQL_MODE='ANSI_QUOTES';
INSERT INTO "T" ("b", "a") VALUES ('Moss',3);
INSERT INTO "T" VALUES (4,"b");
-- Dump completed on 2026-01-01
