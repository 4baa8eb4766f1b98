CREATE TABLE [dbo].[T]([a] [int] NOT NULL PRIMARY KEY, [b] [nvarchar](40) NULL)
GO
SET IDENTITY_INSERT [dbo].[T] ON INSERT [dbo].[T] ([a], [b]) VALUES (1, N'Quenby') PRINT 'x' INSERT [dbo].[T] ([a], [b]) VALUES (2, N'Vale')
BEGIN TRAN INSERT [dbo].[T] ([a], [b]) VALUES (3, N'Moss') COMMIT
GO
