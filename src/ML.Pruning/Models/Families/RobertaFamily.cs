namespace ML.Pruning.Models.Families;

/// <summary>RoBERTa (Liu et al. 2019, arXiv:1907.11692): BERT with positions that start behind the padding token's, and
/// other heads.</summary>
public sealed class RobertaFamily : BertFamily
{
    /// <inheritdoc/>
    public override string ModelType => "roberta";

    /// <inheritdoc/>
    public override string Prefix => "roberta.";

    /// <inheritdoc/>
    public override string HeadName => "lm_head.decoder.weight";

    private protected override string HeadBiasName => "lm_head.bias";

    private protected override string ClassPrefix => "Roberta";

    private protected override int DefaultPadTokenId => 1;

    private protected override int DefaultVocabulary => 50265;

    private protected override int Offset(int padTokenId) => padTokenId + 1;

    private protected override ActivationKind HeadActivation(ActivationKind ofLayers) => ActivationKind.Gelu;

    private protected override IReadOnlyList<(string Source, string Canonical, bool HasPrefix)> EndModules(
        EncoderHead head) =>
    [
        head == EncoderHead.Classification
            ? ("classifier.dense", TensorNames.Pooler, false)
            : ("pooler.dense", TensorNames.Pooler, true),
        ("classifier.out_proj", TensorNames.Classifier, false),
        ("lm_head.dense", TensorNames.HeadTransform, false),
        ("lm_head.layer_norm", TensorNames.HeadNorm, false),
    ];
}
