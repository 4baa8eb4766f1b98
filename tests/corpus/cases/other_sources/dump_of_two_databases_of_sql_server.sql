USE [north]
GO
CREATE TABLE [dbo].[T](
	[a] [int] NOT NULL,
	[b] [nvarchar](40) NULL
)
GO
INSERT [dbo].[T] ([a], [b]) VALUES (1, N'Quenby')
GO
INSERT [south].[dbo].[T] ([a], [b]) VALUES (1, N'Vale')
GO
