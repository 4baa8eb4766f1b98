-- MySQL dump 10.13
CREATE TABLE `T` (
  `a` int NOT NULL,
  `b` varchar(40),
  PRIMARY KEY (`a`)
) ENGINE=InnoDB;
INSERT INTO `T` VALUES (1,'Quenby');
DROP TABLE `T`;
CREATE TABLE `T` (`b` varchar(40), `a` int);
INSERT INTO `T` VALUES ('Vale',2);
-- Dump completed on 2026-01-01
