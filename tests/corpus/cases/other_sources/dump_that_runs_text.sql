CREATE TABLE [dbo].[T]([a] [int] NOT NULL PRIMARY KEY, [b] [nvarchar](40) NULL)
GO
INSERT [dbo].[T] ([a], [b]) VALUES (1, N'Vale')
EXEC(N'INSERT [dbo].[T] VALUES (2, N''Quenby'')')
GO
