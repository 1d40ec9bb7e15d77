using System.Text;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ML.Pruning.Tokenization.Normalizers;

namespace ML.Pruning.Tests.Tokenization;

/// <summary>Rows of the Unicode Consortium's NormalizationTest.txt 15.0, and properties over all code points.</summary>
[TestClass]
public sealed class NormalizerTests
{
    // Source; NFC; NFD; NFKC; NFKD.
    private const string Rows = """
        1E0A;1E0A;0044 0307;1E0A;0044 0307
        1E0C 0307;1E0C 0307;0044 0323 0307;1E0C 0307;0044 0323 0307
        0044 0307 0323;1E0C 0307;0044 0323 0307;1E0C 0307;0044 0323 0307
        00A0;00A0;00A0;0020;0020
        00BD;00BD;00BD;0031 2044 0032;0031 2044 0032
        2126;03A9;03A9;03A9;03A9
        FB01;FB01;FB01;0066 0069;0066 0069
        0958;0915 093C;0915 093C;0915 093C;0915 093C
        AC01;AC01;1100 1161 11A8;AC01;1100 1161 11A8
        AC00 11A8;AC01;1100 1161 11A8;AC01;1100 1161 11A8
        D4DB;D4DB;1111 1171 11B6;D4DB;1111 1171 11B6
        1D400;1D400;1D400;0041;0041
        2F800;4E3D;4E3D;4E3D;4E3D
        0344;0308 0301;0308 0301;0308 0301;0308 0301
        0061 0315 0300 05AE;00E0 05AE 0315;0061 05AE 0300 0315;00E0 05AE 0315;0061 05AE 0300 0315
        11099 110BA;1109A;11099 110BA;1109A;11099 110BA
        1100 AC00 11A8;1100 AC01;1100 1100 1161 11A8;1100 AC01;1100 1100 1161 11A8
        FF21 2460;FF21 2460;FF21 2460;0041 0031;0041 0031
        """;

    private static readonly NormalizationForm[] s_forms =
        [NormalizationForm.FormC, NormalizationForm.FormD, NormalizationForm.FormKC, NormalizationForm.FormKD];

    [TestMethod]
    public void Normalize_PublishedRows_GiveThePublishedForms()
    {
        foreach (string row in Rows.Split('\n', StringSplitOptions.TrimEntries))
        {
            string[] columns = [.. row.Split(';').Select(FromHex)];
            for (int form = 0; form < 4; form++)
                Assert.AreEqual(columns[form + 1], UnicodeNormalization.Normalize(columns[0], s_forms[form]), row);
        }
    }

    [TestMethod]
    public void Normalize_EveryCodePoint_IsStableAndConsistent()
    {
        for (int value = 0; value <= 0x10FFFF; value++)
        {
            if (value is >= 0xD800 and < 0xE000)
                continue;
            string text = "x" + char.ConvertFromUtf32(value) + "\u0323\u0301";
            string c = UnicodeNormalization.Normalize(text, NormalizationForm.FormC);
            string d = UnicodeNormalization.Normalize(text, NormalizationForm.FormD);
            string kc = UnicodeNormalization.Normalize(text, NormalizationForm.FormKC);
            Assert.AreEqual(c, UnicodeNormalization.Normalize(d, NormalizationForm.FormC), $"U+{value:X}");
            Assert.AreEqual(d, UnicodeNormalization.Normalize(c, NormalizationForm.FormD), $"U+{value:X}");
            Assert.AreEqual(kc, UnicodeNormalization.Normalize(kc, NormalizationForm.FormKC), $"U+{value:X}");
            Assert.AreEqual(kc, UnicodeNormalization.Normalize(c, NormalizationForm.FormKC), $"U+{value:X}");
        }
    }

    [TestMethod]
    [DataRow("""{"type":"Lowercase"}""", "\u00C4\u0130\U00010400x", "\u00E4i\u0307\U00010428x")]
    [DataRow("""{"type":"StripAccents"}""", "e\u0301\u0903\u20DDx", "ex")]
    [DataRow("""{"type":"Strip","strip_left":true,"strip_right":false}""", "\u3000 a \n", "a \n")]
    [DataRow("""{"type":"Strip","strip_left":false,"strip_right":true}""", " a\u00A0\n", " a")]
    [DataRow("""{"type":"Prepend","prepend":"_"}""", "a b", "_a b")]
    [DataRow("""{"type":"Prepend","prepend":"_"}""", "", "")]
    [DataRow("""{"type":"Replace","pattern":{"String":"."},"content":"$0"}""", "a.b", "a$0b")]
    [DataRow("""{"type":"Replace","pattern":{"Regex":"\\s+"},"content":"$0"}""", "a \n\u2003b", "a$0b")]
    [DataRow("""{"type":"NFKC"}""", "\uFB01\u00A0\u212B", "fi \u00C5")]
    [DataRow("""{"type":"NFC"}""", "e\u0301\uFB01", "\u00E9\uFB01")]
    [DataRow("""{"type":"NFD"}""", "\u00E9\uFB01", "e\u0301\uFB01")]
    [DataRow("""{"type":"NFKD"}""", "\u00E9\uFB01", "e\u0301fi")]
    [DataRow("""{"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"StripAccents"}]}""", "\u00E9", "e")]
    public void Normalize_Component_RewritesAsDefined(string component, string text, string expected)
    {
        Microsoft.ML.Tokenizers.Normalizer normalizer =
            TokenizerJson.OfLetters("a").Set("normalizer", component).Parse().Normalizer!;
        Assert.AreEqual(expected, normalizer.Normalize(text));
        Assert.AreEqual(expected, normalizer.Normalize(text.AsSpan()));
    }

    private static string FromHex(string codePoints) => string.Concat(
        codePoints.Split(' ').Select(hex => char.ConvertFromUtf32(Convert.ToInt32(hex, 16))));
}
