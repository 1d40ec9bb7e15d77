using ML.Pruning.Checkpoints;
using ML.Pruning.Export;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using TorchSharp;
using static ML.Pruning.Tests.Models.Families.EncoderOracle;

namespace ML.Pruning.Tests.Models.Families;

/// <summary>Oracle: BERT, RoBERTa and DistilBERT in float64 from their own files, with each of their heads.</summary>
[TestClass]
public sealed class EncoderFamilyTests
{
    [TestMethod]
    [DataRow("bert.", "gelu")]
    [DataRow("", "relu")]
    public void Open_BertClassifier_AgreesWithOracle(string prefix, string activation)
    {
        using var folder = new FamilyFolder(Bert("ForSequenceClassification", Classes, activation));
        var oracle = new EncoderOracle(folder, EncoderNames.Bert(prefix))
        {
            Activation = activation == "relu" ? x => Math.Max(x, 0) : Float64Math.Gelu,
        };
        oracle.Fill();
        oracle.Linear(prefix + "pooler.dense", Hidden, Hidden);
        oracle.Linear("classifier", EncoderOracle.Labels, Hidden);
        folder.Write().AssertFaithful(
            tokens => [oracle.Scores(tokens, prefix + "pooler.dense", Math.Tanh, "classifier")],
            name => name.StartsWith("classifier", StringComparison.Ordinal) ? name : "bert." + name[prefix.Length..]);
    }

    [TestMethod]
    public void Open_RobertaClassifier_AgreesWithOracle()
    {
        using var folder = new FamilyFolder(Roberta("ForSequenceClassification", Classes));
        EncoderOracle oracle = FillRoberta(folder);
        oracle.Linear("classifier.dense", Hidden, Hidden);
        oracle.Linear("classifier.out_proj", EncoderOracle.Labels, Hidden);
        folder.Write().AssertFaithful(
            tokens => [oracle.Scores(tokens, "classifier.dense", Math.Tanh, "classifier.out_proj")]);
    }

    [TestMethod]
    public void Open_DistilBertClassifier_AgreesWithOracle()
    {
        using var folder = new FamilyFolder(DistilBert("ForSequenceClassification", Classes));
        var oracle = new EncoderOracle(folder, EncoderNames.DistilBert);
        oracle.Fill();
        oracle.Linear("pre_classifier", Hidden, Hidden);
        oracle.Linear("classifier", EncoderOracle.Labels, Hidden);
        folder.Write().AssertFaithful(
            tokens => [oracle.Scores(tokens, "pre_classifier", x => Math.Max(x, 0), "classifier")]);
    }

    [TestMethod]
    public void Open_BertPretrainingWithOldNamesAndItsOtherHeads_AgreesWithOracle()
    {
        // As published in 2018: gamma and beta, a pooler and a next-sentence head, the bias of the head twice.
        using var folder = new FamilyFolder(Bert("ForPreTraining", "\"num_labels\": 3"));
        var oracle = new EncoderOracle(folder, EncoderNames.Bert("bert."));
        oracle.Fill();
        oracle.Linear("cls.predictions.transform.dense", Hidden, Hidden);
        oracle.Norm("cls.predictions.transform.LayerNorm");
        folder.Bias("cls.predictions.bias", Vocabulary);
        string[] left = ["bert.pooler.dense", "cls.seq_relationship"];
        foreach (string name in left) oracle.Linear(name, Hidden, Hidden);
        folder.Repeat("cls.predictions.bias", "cls.predictions.decoder.bias")
            .Repeat("bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight")
            .Add("bert.embeddings.position_ids", [.. Enumerable.Range(0, Context).Select(i => (float)i)], 1, Context)
            .Write(name => name.Replace("LayerNorm.weight", "LayerNorm.gamma")
                .Replace("LayerNorm.bias", "LayerNorm.beta"));
        folder.AssertFaithful(tokens => oracle.Logits(tokens, "cls.predictions.transform.dense",
                "cls.predictions.transform.LayerNorm", "cls.predictions.bias"),
            name => left.Any(l => name.StartsWith(l, StringComparison.Ordinal)) || name.Contains("predictions.decoder")
                || name.Contains("position_ids") ? null : name);
    }

    [TestMethod]
    public void Open_HeadBiasThatDiffersFromItsCopy_IsRefused()
    {
        using var folder = new FamilyFolder(Roberta("ForMaskedLM"));
        FillRobertaHead(folder);
        folder.Bias("lm_head.decoder.bias", Vocabulary).Write();
        string message = Assert.ThrowsExactly<ModelFormatException>(() => HuggingFaceModel.Open(folder.Model)).Message;
        StringAssert.Contains(message, "lm_head.decoder.bias");
    }

    [TestMethod]
    public void Open_RobertaMaskedLanguageModel_AgreesWithOracle()
    {
        using var folder = new FamilyFolder(Roberta("ForMaskedLM"));
        EncoderOracle oracle = FillRobertaHead(folder);
        folder.Write().AssertFaithful(
            tokens => oracle.Logits(tokens, "lm_head.dense", "lm_head.layer_norm", "lm_head.bias"));
    }

    [TestMethod]
    public void Open_DistilBertMaskedLanguageModel_AgreesWithOracle()
    {
        using var folder = new FamilyFolder(DistilBert("ForMaskedLM"));
        var oracle = new EncoderOracle(folder, EncoderNames.DistilBert);
        oracle.Fill();
        oracle.Linear("vocab_transform", Hidden, Hidden);
        oracle.Norm("vocab_layer_norm");
        folder.Bias("vocab_projector.bias", Vocabulary).Write().AssertFaithful(
            tokens => oracle.Logits(tokens, "vocab_transform", "vocab_layer_norm", "vocab_projector.bias"));
    }

    [TestMethod]
    public void Open_SentenceEncoderWithoutPrefixAndHead_AgreesWithOracle()
    {
        using var folder = new FamilyFolder(Bert("Model"));
        var oracle = new EncoderOracle(folder, EncoderNames.Bert(""));
        oracle.Fill();
        oracle.Linear("pooler.dense", Hidden, Hidden);
        folder.Write();
        using LanguageModel model = HuggingFaceModel.Open(folder.Model);
        using TorchDecoder encoder = TorchDecoder.Load(model);
        int[] tokens = [3, 1, 28, 7, 7, 0];
        using torch.Tensor hidden = encoder.Hidden(TorchWeights.ToTokens(tokens, 1), null);
        using torch.Tensor pooled = encoder.Classifier.Pool(hidden);
        double[][] states = oracle.States(tokens);
        FamilyFolder.AssertClose(states, [.. hidden.data<float>()]);
        FamilyFolder.AssertClose(
            [oracle.Map(states[0], "pooler.dense").Select(Math.Tanh).ToArray()], [.. pooled.data<float>()]);
        Assert.ThrowsExactly<NotSupportedException>(() => FamilyFolder.Logits(model, tokens));

        // The same through both engines, filled up and in a batch with another text.
        int[] batch = [.. tokens, 9, 5, 5, 5, 5, 5];
        var found = new float[batch.Length * Hidden];
        foreach (EngineKind kind in (EngineKind[])[EngineKind.Torch, EngineKind.Onnx])
        {
            EngineFactory.Get(model, kind).HiddenStates(batch, 2, found, [6, 1]);
            FamilyFolder.AssertClose(states, found[..(6 * Hidden)]);
            FamilyFolder.AssertClose(oracle.States([9]), found[(6 * Hidden)..(7 * Hidden)]);
        }
    }

    [TestMethod]
    public void LabelScores_TextsOfSeveralLengths_AreThoseOfEachTextAlone()
    {
        using var folder = new FamilyFolder(Roberta("ForSequenceClassification", Classes));
        EncoderOracle oracle = FillRoberta(folder);
        oracle.Linear("classifier.dense", Hidden, Hidden);
        oracle.Linear("classifier.out_proj", EncoderOracle.Labels, Hidden);
        folder.Write();
        int[][] texts = [[0, 5, 2], [0, 9, 9, 11, 23, 2, 2], [0, 2], [0, 5, 7, 7, 7, 8, 2]];
        int[] padded = [.. texts.SelectMany(t => t.Concat(Enumerable.Repeat(1, 7 - t.Length)))];
        var scores = new float[texts.Length * EncoderOracle.Labels];
        using LanguageModel model = HuggingFaceModel.Open(folder.Model);
        using var engine = new TorchEngine(model);
        engine.LabelScores(padded, texts.Select(t => t.Length).ToArray(), scores);
        FamilyFolder.AssertClose(
            [.. texts.Select(t => oracle.Scores(t, "classifier.dense", Math.Tanh, "classifier.out_proj"))], scores);
    }

    [TestMethod]
    public void TorchEngine_Encoder_RefusesToContinueText()
    {
        using var folder = new FamilyFolder(Roberta("ForMaskedLM"));
        FillRobertaHead(folder);
        folder.Write();
        using LanguageModel model = HuggingFaceModel.Open(folder.Model);
        using var engine = new TorchEngine(model);
        Assert.ThrowsExactly<NotSupportedException>(() => engine.StartDecoding());
        Assert.ThrowsExactly<NotSupportedException>(() => engine.NextTokenLogProbabilities([1, 2], 1, new double[1]));
        Assert.ThrowsExactly<NotSupportedException>(() => engine.LabelScores([1, 2], [2], new float[2]));
    }

    private const string Classes =
        """ "id2label": { "0": "bad", "1": "fair", "2": "good" }, "label2id": { "bad": 0, "fair": 1, "good": 2 } """;

    private static string Bert(string head, string more = "\"pad_token_id\": 0", string activation = "gelu") => $$"""
        { "model_type": "bert", "architectures": ["Bert{{head}}"], "hidden_size": 12, "num_attention_heads": 3,
          "intermediate_size": 20, "num_hidden_layers": 2, "vocab_size": 29, "max_position_embeddings": 24,
          "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_act": "{{activation}}", "hidden_dropout_prob": 0.1,
          "attention_probs_dropout_prob": 0.1, "position_embedding_type": "absolute", "use_cache": true, {{more}} }
        """;

    private static string Roberta(string head, string more = "\"bos_token_id\": 0") => $$"""
        { "model_type": "roberta", "architectures": ["Roberta{{head}}"], "hidden_size": 12, "num_attention_heads": 3,
          "intermediate_size": 20, "num_hidden_layers": 2, "vocab_size": 29, "max_position_embeddings": 26,
          "type_vocab_size": 2, "layer_norm_eps": 1e-5, "pad_token_id": 1, {{more}} }
        """;

    private static string DistilBert(string head, string more = "\"tie_weights_\": true") => $$"""
        { "model_type": "distilbert", "architectures": ["DistilBert{{head}}"], "dim": 12, "n_heads": 3,
          "hidden_dim": 20,
          "n_layers": 2, "vocab_size": 29, "max_position_embeddings": 24, "activation": "gelu",
          "sinusoidal_pos_embds": false, "seq_classif_dropout": 0.2, {{more}} }
        """;

    private static EncoderOracle FillRoberta(FamilyFolder folder)
    {
        var oracle = new EncoderOracle(folder, EncoderNames.Bert("roberta.", offset: 2)) { Epsilon = 1e-5 };
        oracle.Fill();
        return oracle;
    }

    private static EncoderOracle FillRobertaHead(FamilyFolder folder)
    {
        EncoderOracle oracle = FillRoberta(folder);
        oracle.Linear("lm_head.dense", Hidden, Hidden);
        oracle.Norm("lm_head.layer_norm");
        folder.Bias("lm_head.bias", Vocabulary);
        return oracle;
    }
}
