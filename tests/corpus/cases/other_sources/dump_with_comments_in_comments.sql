CREATE TABLE [dbo].[T]([a] [int] NOT NULL PRIMARY KEY, [b] [nvarchar](40) NULL)
GO
/* old: /* really */
INSERT [dbo].[T] ([a], [b]) VALUES (1, N'Quenby')
*/
INSERT [dbo].[T] ([a], [b]) VALUES (2, N'Vale')
GO
