-- MySQL dump 10.13
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO,NO_BACKSLASH_ESCAPES' */;
CREATE TABLE `T` (
  `a` int NOT NULL,
  `b` varchar(40),
  PRIMARY KEY (`a`)
) ENGINE=InnoDB;
INSERT INTO `T` VALUES (1,'Quenby\new'),(2,'Vale\'),(3,'Moss');
/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
INSERT INTO `T` VALUES (4,'O\'Dell');
-- Dump completed on 2026-01-01
