using Microsoft.ML;
using Microsoft.ML.Data;

namespace ML.Pruning.Tests.StandIns;

[TestClass]
public sealed class SplitTests
{
    private readonly MLContext _ml = new(1);

    private sealed class Keyed
    {
        public float Id { get; set; }

        public string Group { get; set; } = "";
    }

    [TestMethod]
    public void TrainTestSplit_Sets_AreDisjointAndComplementary()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(1000));
        DataOperationsCatalog.TrainTestData split = _ml.Data.TrainTestSplit(data, 0.2, seed: 7);
        float[] train = Pipelines.Ids(split.TrainSet);
        float[] test = Pipelines.Ids(split.TestSet);
        CollectionAssert.AreEqual(Pipelines.Ids(data), train.Concat(test).Order().ToArray());
        // Binomial with standard deviation 12.6.
        Assert.IsTrue(Math.Abs(test.Length - 200) < 64, $"{test.Length} of 1000 rows are in the test set");
        Assert.AreEqual(data.Schema.Count, split.TrainSet.Schema.Count);
    }

    [TestMethod]
    public void TrainTestSplit_Seed_FixesTheSets()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(200));
        float[] Test(MLContext ml, int? seed) => Pipelines.Ids(ml.Data.TrainTestSplit(data, 0.3, seed: seed).TestSet);
        CollectionAssert.AreEqual(Test(_ml, 7), Test(new MLContext(), 7));
        CollectionAssert.AreNotEqual(Test(_ml, 7), Test(_ml, 8));
        CollectionAssert.AreEqual(Test(new MLContext(5), null), Test(new MLContext(5), null));
        CollectionAssert.AreNotEqual(Test(new MLContext(5), null), Test(new MLContext(6), null));
    }

    [TestMethod]
    public void TrainTestSplit_SamplingKey_KeepsGroupsTogether()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(
            Enumerable.Range(0, 300).Select(i => new Keyed { Id = i, Group = $"g{i % 30}" }));
        DataOperationsCatalog.TrainTestData split = _ml.Data.TrainTestSplit(data, 0.4, "Group");
        string[] train = [.. split.TrainSet.GetColumn<string>("Group")];
        string[] test = [.. split.TestSet.GetColumn<string>("Group")];
        Assert.AreEqual(300, train.Length + test.Length);
        Assert.IsNotEmpty(test);
        Assert.IsNotEmpty(train);
        Assert.IsEmpty(train.Intersect(test));
        CollectionAssert.AreEqual(Pipelines.Ids(split.TestSet), Pipelines.Ids(split.TestSet));
    }

    [TestMethod]
    public void CrossValidationSplit_TestSets_PartitionTheData()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(300));
        var folds = _ml.Data.CrossValidationSplit(data, numberOfFolds: 4, seed: 2);
        Assert.HasCount(4, folds);
        CollectionAssert.AreEqual(Pipelines.Ids(data),
            folds.SelectMany(fold => Pipelines.Ids(fold.TestSet)).Order().ToArray());
        foreach (DataOperationsCatalog.TrainTestData fold in folds)
            CollectionAssert.AreEqual(Pipelines.Ids(data),
                Pipelines.Ids(fold.TrainSet).Concat(Pipelines.Ids(fold.TestSet)).Order().ToArray());
    }

    [TestMethod]
    public void Split_BadArguments_AreRefused()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Review.Many(3));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.TrainTestSplit(data, 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.TrainTestSplit(data, 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.TrainTestSplit(data, 0.5, "Nope"));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.CrossValidationSplit(data, 1));
    }
}
