using System.Reflection;
using Microsoft.ML.SearchSpace;
using ML.Pruning.Calibration;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tests.Transforms;

/// <summary>What AutoML reads of the search options, and what comes of its choices.</summary>
[TestClass]
public sealed class SearchOptionsTests
{
    [TestMethod]
    [DataRow(typeof(PruningSearchOptions))]
    [DataRow(typeof(LoraSearchOptions))]
    public void Properties_AllOfThem_HaveASpaceThatHoldsTheirDefault(Type type)
    {
        object defaults = Activator.CreateInstance(type)!;
        foreach (PropertyInfo property in type.GetProperties())
        {
            Assert.IsTrue(property.CanRead && property.CanWrite, property.Name);
            object? value = property.GetValue(defaults);
            Attribute[] spaces = [.. property.GetCustomAttributes()
                .Where(a => a.GetType().Namespace == "Microsoft.ML.SearchSpace")];
            switch (spaces.Single())
            {
                case RangeAttribute range:
                    Assert.AreEqual(value, range.Init, property.Name);
                    Assert.IsTrue(((IComparable)range.Min).CompareTo(value) < 0
                        && ((IComparable)range.Max).CompareTo(value) > 0);
                    break;
                case ChoiceAttribute choice:
                    Assert.AreEqual(value, choice.DefaultValue, property.Name);
                    CollectionAssert.Contains(choice.Candidates, value);
                    break;
                case BooleanChoiceAttribute choice:
                    Assert.AreEqual(value, choice.DefaultValue, property.Name);
                    break;
            }
        }
    }

    [TestMethod]
    public void ToMethod_EveryChoice_IsAMethod()
    {
        var calibration = new CalibrationOptions { Samples = 3 };
        foreach (object method in Choices(nameof(PruningSearchOptions.Method)))
        {
            foreach (object allocation in Choices(nameof(PruningSearchOptions.Allocation)))
            {
                var options = new PruningSearchOptions
                {
                    Method = (string)method,
                    Allocation = (string)allocation,
                    Sparsity = 0.625,
                };
                WeightPruning made = options.ToMethod(calibration);
                Assert.AreEqual(method, made.Name);
                Assert.AreEqual(0.625, made.Sparsity);
                Assert.AreSame(calibration, made.Calibration);
                StringAssert.Contains(made.ToJson().ToJsonString(), $"\"{allocation}\"");
            }
        }

        Assert.ThrowsExactly<ArgumentException>(() => new PruningSearchOptions { Method = "x" }.ToMethod());
        Assert.ThrowsExactly<ArgumentException>(() => new PruningSearchOptions { Allocation = "x" }.ToMethod());
    }

    [TestMethod]
    public void ToOptions_Choices_AreInTheOptions()
    {
        LoraOptions options = new LoraSearchOptions { Rank = 4, LearningRate = 1e-3, Dora = true }
            .ToOptions(new LoraOptions { SequenceLength = 32 });
        Assert.AreEqual(4, options.Rank);
        Assert.AreEqual(8, options.Alpha);
        Assert.IsTrue(options.Dora);
        Assert.AreEqual(1e-3, options.Training.LearningRate);
        Assert.AreEqual(32, options.SequenceLength);
    }

    private static object[] Choices(string property) => typeof(PruningSearchOptions).GetProperty(property)!
        .GetCustomAttribute<ChoiceAttribute>()!.Candidates;
}
