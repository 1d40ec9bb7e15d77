using ML.Pruning.Tokenization;

namespace ML.Pruning.Tests.Tokenization;

/// <summary>Classes inside classes, by examples.</summary>
[TestClass]
public sealed class CharacterClassUnionTests
{
    [TestMethod]
    [DataRow(@" ?[^(\s|[.,!?])]+", @" ?[^(\s|.,!?)]+")]
    [DataRow(@"[a[b-d]e]|[x]", @"[ab-de]|[x]")]
    [DataRow(@"[a[-b-]c]", @"[a\-b\-c]")]
    [DataRow(@"[a[\]\[]c]", @"[a\]\[c]")]
    [DataRow(@"\[a[b]", @"\[a[b]")]
    [DataRow(@"[]a[b]]", @"[]ab]")]
    [DataRow(@"[a-[b]]", @"[a-[b]]")]
    [DataRow(@"[a[^b]]", @"[a[^b]]")]
    [DataRow(@"[[:alpha:]]", @"[[:alpha:]]")]
    public void Flatten_Expression_IsTheUnion(string expression, string expected) =>
        Assert.AreEqual(expected, CharacterClassUnion.Flatten(expression));
}
