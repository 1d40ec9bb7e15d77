using ML.Pruning.Sparsity;

namespace ML.Pruning.Tests.Sparsity;

/// <summary>Schedules against their closed forms.</summary>
[TestClass]
public class SparsityScheduleTests
{
    private const double Initial = 0.2;
    private const double Final = 0.9;

    [TestMethod]
    [DataRow(RampKind.OneShot, 0.9, 0.9, 0.9)]
    [DataRow(RampKind.Linear, 0.2, 0.55, 0.9)]
    [DataRow(RampKind.Cubic, 0.2, 0.8125, 0.9)] // 0.9 - 0.7 / 8
    [DataRow(RampKind.Exponential, 0.2, 0.7171572875253810, 0.9)] // 1 - sqrt(0.8 * 0.1)
    public void SparsityAt_StartMiddleEnd_AreTheClosedForms(RampKind kind, double start, double middle, double end)
    {
        var schedule = new SparsitySchedule { Kind = kind, RampFraction = 1 };
        Assert.AreEqual(start, schedule.SparsityAt(0, Initial, Final), 1e-15);
        Assert.AreEqual(middle, schedule.SparsityAt(0.5, Initial, Final), 1e-15);
        Assert.AreEqual(end, schedule.SparsityAt(1, Initial, Final));
    }

    [TestMethod]
    [DataRow(RampKind.Linear)]
    [DataRow(RampKind.Cubic)]
    [DataRow(RampKind.Exponential)]
    public void SparsityAt_RampFraction_ScalesProgressAndThenStays(RampKind kind)
    {
        var whole = new SparsitySchedule { Kind = kind, RampFraction = 1 };
        var part = new SparsitySchedule { Kind = kind, RampFraction = 0.5 };
        double before = -1;
        for (double p = 0; p <= 1; p += 1 / 64.0)
        {
            double sparsity = part.SparsityAt(p, Initial, Final);
            Assert.AreEqual(whole.SparsityAt(Math.Min(1, 2 * p), Initial, Final), sparsity, 1e-15);
            Assert.IsGreaterThanOrEqualTo(before, sparsity);
            before = sparsity;
        }

        Assert.AreEqual(Final, part.SparsityAt(0.5, Initial, Final));
        Assert.AreEqual(Final, part.SparsityAt(0.75, Initial, Final));
    }

    [TestMethod]
    public void SparsityAt_ExponentialCycles_KeepTheSameFractionEachTime()
    {
        // Five times 20 % of what is left: the lottery ticket's (1 - k)^n.
        double final = 1 - Math.Pow(0.8, 5);
        var schedule = new SparsitySchedule { Kind = RampKind.Exponential, RampFraction = 1, Cycles = 5 };
        for (int cycle = 0; cycle < 5; cycle++)
        {
            double expected = 1 - Math.Pow(0.8, cycle + 1);
            Assert.AreEqual(expected, schedule.SparsityAt((cycle + 0.01) / 5, 0, final), 1e-14);
            Assert.AreEqual(expected, schedule.SparsityAt((cycle + 0.99) / 5, 0, final), 1e-14);
        }

        Assert.AreEqual(final, schedule.SparsityAt(1, 0, final));
    }

    [TestMethod]
    public void SparsityAt_CubicEqualEnds_IsConstant()
    {
        var schedule = new SparsitySchedule();
        for (double p = 0; p <= 1; p += 0.125) Assert.AreEqual(0.5, schedule.SparsityAt(p, 0.5, 0.5));
    }

    [TestMethod]
    public void Parse_Names_GiveTheSchedules()
    {
        foreach (string name in new[] { "one-shot", "linear", "cubic", "exponential", "exponential:5", "linear:1" })
            Assert.AreEqual(name, SparsitySchedule.Parse(name).ToString());
        Assert.AreEqual(5, SparsitySchedule.Parse("exponential:5").Cycles);
        Assert.AreEqual("cubic", (string?)SparsitySchedule.Parse("cubic:3").ToJson()["kind"]);
        Assert.AreEqual(3, (int?)SparsitySchedule.Parse("cubic:3").ToJson()["cycles"]);
    }

    [TestMethod]
    [DataRow("quartic")]
    [DataRow("cubic:0")]
    [DataRow("cubic:x")]
    [DataRow("cubic:1:2")]
    [DataRow("")]
    public void Parse_Unknown_NamesWhatIsSupported(string text)
    {
        var error = Assert.ThrowsExactly<ArgumentException>(() => SparsitySchedule.Parse(text));
        StringAssert.Contains(error.Message, $"\"{text}\"; supported: one-shot, linear, cubic, exponential");
    }

    [TestMethod]
    public void SparsityAt_OutOfRange_NamesTheValue()
    {
        var schedule = new SparsitySchedule();
        Expect("progress", () => schedule.SparsityAt(1.5, 0, 0.5));
        Expect("initial", () => schedule.SparsityAt(0, -0.1, 0.5));
        Expect("final", () => schedule.SparsityAt(0, 0, 1));
        Expect("RampFraction", () => (schedule with { RampFraction = 0 }).SparsityAt(0, 0, 0.5));
        Expect("Cycles", () => (schedule with { Cycles = 0 }).SparsityAt(0, 0, 0.5));
    }

    private static void Expect(string name, Func<double> action) =>
        Assert.AreEqual(name, Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => action()).ParamName);
}
