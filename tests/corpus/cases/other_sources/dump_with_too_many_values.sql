-- MySQL dump 10.13
CREATE TABLE `T` (
  `a` int NOT NULL,
  `b` varchar(40),
  PRIMARY KEY (`a`)
) ENGINE=InnoDB;
INSERT INTO `T` VALUES (1,'Quenby'),(2,'Vale','x'),(3);
INSERT INTO `T` VALUES (4,'Moss');
-- Dump completed on 2026-01-01
