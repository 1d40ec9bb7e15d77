using System.Buffers.Binary;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ML.Pruning.Calibration;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Packaging;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning;

/// <summary>The page about a run in a real browser, without a window.</summary>
[TestClass]
public sealed class PruningReportBrowserTests
{
    private const int PhoneWidth = 500;

    [TestMethod]
    public void Page_InChromium_ShowsItsTextsWithoutAnErrorInLightAndDarkAndOnAPhone()
    {
        string browser = new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }
            .FirstOrDefault(File.Exists) ?? throw new AssertInconclusiveException("There is no Chromium here.");
        DirectoryInfo folder = Directory.CreateTempSubdirectory("ml-pruning-page-");
        try
        {
            string page = Path.Combine(folder.FullName, "run.html");
            File.WriteAllText(page, RealPage());
            string dom = Show(browser, folder, page, "--dump-dom");
            foreach (string text in new[] { "Pruning report", "wanda", "Sparsity by layer", "9.5",
                "layers.0.self_attn.q_proj.weight" })
                StringAssert.Contains(dom, text);

            string light = Path.Combine(folder.FullName, "light.png"), dark = Path.Combine(folder.FullName, "dark.png");
            Show(browser, folder, page, $"--screenshot={light}", $"--window-size={PhoneWidth},900");
            Show(browser, folder, page, $"--screenshot={dark}", $"--window-size={PhoneWidth},900",
                "--blink-settings=preferredColorScheme=0");
            byte[] picture = File.ReadAllBytes(light);
            Assert.AreEqual(PhoneWidth, BinaryPrimitives.ReadInt32BigEndian(picture.AsSpan(16)));
            Assert.IsGreaterThan(5_000, picture.Length);
            CollectionAssert.AreNotEqual(picture, File.ReadAllBytes(dark), "Light and dark look the same.");

            // Nothing is wider than a phone but tables, which scroll by themselves.
            string measuring = Path.Combine(folder.FullName, "measuring.html");
            File.WriteAllText(measuring, File.ReadAllText(page).Replace("</body>",
                "<script>document.title = 'width ' + document.documentElement.scrollWidth</script></body>"));
            string measured = Show(browser, folder, measuring, "--dump-dom", $"--window-size={PhoneWidth},900");
            StringAssert.Contains(measured, $"<title>width {PhoneWidth}</title>");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Show(string browser, DirectoryInfo folder, string page, params string[] options)
    {
        string profile = folder.CreateSubdirectory($"profile-{Guid.NewGuid():N}").FullName;
        DotnetCommand shown = DotnetCommand.Start(browser, folder.FullName, ["--headless", "--no-sandbox",
            "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync", "--hide-scrollbars", "--enable-logging=stderr", $"--user-data-dir={profile}", .. options,
            new Uri(page).AbsoluteUri]).Expect();
        Assert.IsFalse(Regex.IsMatch(shown.Output, @"CONSOLE[^\n]*(rror|efused|violates)"), shown.Output);
        return shown.Output;
    }

    private static string RealPage()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        PruningResult result = Pruner.PruneWithWindows(model, new Wanda(), TokenWindows.FromTokens(
            RandomModel.Tokens(model.Spec, 64), 16), PrunedModels.In(folder));
        result.Model.Dispose();
        JsonObject json = result.Report.ToJson();
        json["perplexity"] = new JsonObject { ["before"] = 7.25, ["after"] = 9.5 };
        return PruningReportPage.Of([KeyValuePair.Create("run", json)]);
    }
}
