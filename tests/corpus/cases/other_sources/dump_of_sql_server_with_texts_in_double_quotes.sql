SET QUOTED_IDENTIFIER OFF
GO
CREATE TABLE [dbo].[T](
	[a] [int] NOT NULL,
	[b] [nvarchar](40) NULL
)
GO
INSERT [dbo].[T] ([a], [b]) VALUES (1, "O'Quenby")
SET QUOTED_IDENTIFIER ON
INSERT [dbo].[T] ("a", "b") VALUES (2, N'Vale')
INSERT [dbo].[T] ([a], [b]) VALUES (3, "b")
GO
