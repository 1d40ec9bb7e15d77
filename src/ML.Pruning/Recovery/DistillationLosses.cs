using ML.Pruning.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Recovery;

/// <summary>How far a student is from its teacher, as differentiable scalars.</summary>
internal static class DistillationLosses
{
    /// <summary>Keeps the SquareHead of a state that is almost zero finite: the machine epsilon of bfloat16.</summary>
    public const double SquareHeadEpsilon = 0.0078125;

    /// <summary>Kullback-Leibler divergence of softened predictions.</summary>
    /// <remarks>T^2 / N * sum over the N tokens of KL(softmax(t / T) || softmax(s / T)), in nats (Hinton et al. 2015,
    /// arXiv:1503.02531, section 2; averaged over tokens as in Kurtic et al. 2023, arXiv:2310.06927).</remarks>
    /// <param name="student">Logits s [N, vocabulary].</param>
    /// <param name="teacher">Logits t [N, vocabulary]; no gradient is taken.</param>
    /// <param name="temperature">T, positive.</param>
    /// <returns>A scalar, at least 0.</returns>
    public static Tensor KullbackLeibler(Tensor student, Tensor teacher, double temperature)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logQ = student.div(temperature).log_softmax(1);
        Tensor logP = teacher.detach().div(temperature).log_softmax(1);
        return nn.functional.kl_div(logQ, logP, log_target: true, reduction: nn.Reduction.Sum)
            .mul(temperature * temperature / student.shape[0]).MoveToOuterDisposeScope();
    }

    /// <summary>SquareHead: squared distance of hidden states, relative to the teacher's.</summary>
    /// <remarks>Sum over states i of mean((s_i - t_i)^2) / (mean(t_i^2) + eps), means over the tokens that count and
    /// the hidden size, eps = <see cref="SquareHeadEpsilon"/> (Kurtic et al. 2023, arXiv:2310.06927, section 3.1). The
    /// states are those after each layer; the embeddings do not count.</remarks>
    /// <param name="student">States s_i [B, T, D].</param>
    /// <param name="teacher">States t_i [B, T, D], as many and of the same shape; no gradient is taken.</param>
    /// <param name="rows">Indices of the tokens that count [n], int64, among the B * T; null = all.</param>
    /// <returns>A scalar, at least 0.</returns>
    public static Tensor SquareHead(IReadOnlyList<Tensor> student, IReadOnlyList<Tensor> teacher, Tensor? rows)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor? sum = null;
        foreach ((Tensor s, Tensor t) in student.Zip(teacher))
        {
            Tensor target = Rows(t.detach());
            Tensor term = nn.functional.mse_loss(Rows(s), target).div(target.square().mean().add(SquareHeadEpsilon));
            sum = sum is null ? term : sum.add(term);
        }

        return sum!.MoveToOuterDisposeScope();

        Tensor Rows(Tensor states)
        {
            Tensor wide = states.to_type(TorchWeights.Wide(states.dtype));
            return rows is null ? wide : wide.reshape(-1, wide.shape[2]).index_select(0, rows);
        }
    }
}
