-- MySQL dump 10.13
USE `north`;
INSERT INTO `T` (`a`, `b`) VALUES (1,'Quenby');
USE `south`;
INSERT INTO `T` (`a`, `b`) VALUES (1,'Vale');
-- Dump completed on 2026-01-01
