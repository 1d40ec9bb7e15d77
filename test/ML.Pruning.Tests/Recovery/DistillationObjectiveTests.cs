using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using ML.Pruning.Recovery;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Pruning;
using ML.Pruning.Tests.TestKit;
using ML.Pruning.Pruning;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.Recovery;

/// <summary>The distillation loss of whole models: its parts, padding, gradients against float64 finite
/// differences.</summary>
[TestClass]
public class DistillationObjectiveTests
{
    private static readonly DistillationOptions s_all = new()
    {
        CrossEntropyWeight = 0.5,
        KullbackLeiblerWeight = 2,
        Temperature = 3,
        SquareHeadWeight = 0.7,
    };

    private static readonly TrainingBatch s_windows =
        new([.. RandomModel.Tokens(RandomModel.Llama, 24)], Rows: 2, Length: 12, Counted: null);

    // Examples of 12 and 7 tokens; the answers begin at tokens 9 and 5.
    private static readonly TrainingBatch s_pairs = s_windows with { Counted = [8, 9, 10, 11 + 4, 11 + 5] };

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Loss_AllTerms_HasTheGradientsOfFiniteDifferences(bool pairs)
    {
        using LanguageModel student = RandomModel.Create(RandomModel.Llama, seed: 1);
        using LanguageModel teacher = RandomModel.Create(RandomModel.Llama, seed: 2);
        using TorchDecoder decoder = TorchDecoder.Load(student, ScalarType.Float64);
        using TorchDecoder teacherDecoder = TorchDecoder.Load(teacher, ScalarType.Float64);
        var objective = new DistillationObjective(decoder, teacherDecoder, s_all);
        TrainingBatch batch = pairs ? s_pairs : s_windows;
        foreach (string name in new[] { "layers.0.self_attn.k_proj.weight", "layers.1.mlp.down_proj.weight" })
        {
            Parameter parameter = decoder.named_parameters().Single(p => p.name == name).parameter;
            parameter.requires_grad = true;
            using DisposeScope scope = NewDisposeScope();
            objective.Loss(batch).backward();
            foreach (int i in new[] { 0, 17, 101 })
            {
                double gradient = parameter.grad!.view(-1)[i].ToDouble();
                Assert.AreEqual(Difference(parameter, i, () => objective.Loss(batch)), gradient, 1e-7, $"{name} {i}");
            }

            parameter.requires_grad = false;
            parameter.grad = null;
        }
    }

    [TestMethod]
    public void Loss_StudentIsTeacher_IsTheCrossEntropy()
    {
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        using TorchDecoder decoder = TorchDecoder.Load(model);
        using DisposeScope scope = NewDisposeScope();
        foreach (TrainingBatch batch in new[] { s_windows, s_pairs })
        {
            double expected = 0.5 * new NextTokenObjective(decoder).Loss(batch).ToDouble();
            Assert.AreEqual(expected, new DistillationObjective(decoder, decoder, s_all).Loss(batch).ToDouble(), 1e-6);
        }
    }

    [TestMethod]
    public void Loss_Padding_ChangesNothing()
    {
        using LanguageModel student = RandomModel.Create(RandomModel.Llama, seed: 1);
        using LanguageModel teacher = RandomModel.Create(RandomModel.Llama, seed: 2);
        using TorchDecoder decoder = TorchDecoder.Load(student), teacherDecoder = TorchDecoder.Load(teacher);
        var objective = new DistillationObjective(decoder, teacherDecoder, s_all);
        int[] otherPadding = [.. s_pairs.Tokens];
        otherPadding.AsSpan(12 + 7).Fill(5);
        using DisposeScope scope = NewDisposeScope();
        double loss = objective.Loss(s_pairs).ToDouble();
        Assert.AreEqual(loss, objective.Loss(s_pairs with { Tokens = otherPadding }).ToDouble(), 1e-6);
        int[] otherToken = [.. s_pairs.Tokens];
        otherToken[12 + 1] = (otherToken[12 + 1] + 1) % 40;
        Assert.AreNotEqual(loss, objective.Loss(s_pairs with { Tokens = otherToken }).ToDouble(), 1e-4);
    }

    [TestMethod]
    public void Train_SquareHeadAlone_BringsTheStudentNearTheTeacher()
    {
        using var folder = new TestFolder();
        using LanguageModel teacher = TinyTraining.Train(
            TinyTraining.Model(), TinyTraining.Windows(), TinyTraining.Options(folder, 120));
        using LanguageModel pruned = Pruner.Prune(
            teacher, new Magnitude { Sparsity = 0.5 }, context: PrunedModels.In(folder)).Model;
        SparseFineTuneResult result = SparseFineTuner.Train(
            pruned, TrainingExamples.FromWindows(TinyTraining.Windows()), new SparseFineTuneOptions
            {
                Distillation = new() { CrossEntropyWeight = 0 },
                Training = TinyTraining.Options(folder, 60) with { LearningRate = 3e-3 },
            }, teacher);
        using LanguageModel trained = result.Model;
        TrainingReport report = result.Report.Training;
        Assert.IsLessThan(report.Curve[1].Loss!.Value / 3, report.Curve[^1].Loss!.Value);
        Assert.IsLessThan(report.InitialLoss!.Value - 0.05, report.BestLoss!.Value);
        Assert.AreEqual(teacher.ContentHash, (string?)trained.Provenance[^1].Options["teacher"]);
    }

    [TestMethod]
    public void Train_TeacherThatDoesNotMatch_IsRefused()
    {
        using LanguageModel student = RandomModel.Create(RandomModel.Llama);
        using LanguageModel words = RandomModel.Create(RandomModel.Llama with { VocabularySize = 41 });
        using LanguageModel shallow = RandomModel.Create(
            RandomModel.Llama with { Layers = [RandomModel.Llama.Layers[0]] });
        var options = new SparseFineTuneOptions { Pruning = new Magnitude() };
        Expect(words, options, "vocabulary of 41 tokens and the student one of 40");
        Expect(shallow, options, "1 layers of hidden size 16 and the student 2 of 16; SquareHead needs equal ones");
        Expect(student, options with { Distillation = new() { SquareHeadWeight = -1 } }, "loss weights are 1, 0, -1");
        Expect(student, options with { Distillation = new() { Temperature = 0 } }, "temperature is 0");

        void Expect(LanguageModel teacher, SparseFineTuneOptions wrong, string message)
        {
            var error = Assert.ThrowsExactly<ArgumentException>(() => SparseFineTuner.Train(
                student, TrainingExamples.FromWindows(TinyTraining.Windows()), wrong, teacher));
            StringAssert.Contains(error.Message, message);
        }
    }

    private static double Difference(Parameter parameter, int index, Func<Tensor> loss)
    {
        const double step = 1e-5;
        using IDisposable noGrad = no_grad();
        using Tensor element = parameter.view(-1).narrow(0, index, 1);
        element.add_(step);
        double up = loss().ToDouble();
        element.add_(-2 * step);
        double down = loss().ToDouble();
        element.add_(step);
        return (up - down) / (2 * step);
    }
}
