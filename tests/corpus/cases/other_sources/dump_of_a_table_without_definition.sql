-- MySQL dump 10.13
CREATE TABLE `T` (
  `a` int NOT NULL,
  `b` varchar(40),
  PRIMARY KEY (`a`)
) ENGINE=InnoDB;
INSERT INTO `T` VALUES (1,'Quenby'),(2,'Vale');
INSERT INTO `U` VALUES (1,'x');
-- Dump completed on 2026-01-01
