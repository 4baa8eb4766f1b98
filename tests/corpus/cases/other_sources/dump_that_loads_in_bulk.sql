CREATE TABLE [dbo].[T]([a] [int] NOT NULL PRIMARY KEY, [b] [nvarchar](40) NULL)
GO
INSERT [dbo].[T] ([a], [b]) VALUES (1, N'Quenby')
BULK INSERT [dbo].[T] FROM 'more.csv'
GO
