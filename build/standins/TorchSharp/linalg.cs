using TorchSharp.PInvoke;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Linear algebra.</summary>
    public static class linalg
    {
        public static Tensor cholesky(Tensor input) => Ops.linalg_cholesky.Call(input);

        public static (Tensor, Tensor) cholesky_ex(Tensor input, bool check_errors = false) =>
            Ops.linalg_cholesky_ex.CallPair(input, false, check_errors);

        public static Tensor inv(Tensor input) => Ops.linalg_inv.Call(input);

        public static (Tensor, Tensor) eigh(Tensor input, char UPLO = 'L') =>
            Ops.linalg_eigh.CallPair(input, UPLO.ToString());

        public static (Tensor, Tensor, Tensor) svd(Tensor input, bool fullMatrices = true) =>
            Ops.linalg_svd.CallTriple(input, fullMatrices);

        public static Tensor solve(Tensor A, Tensor B, bool left = true) => Ops.linalg_solve.Call(A, B, left);

        public static Tensor solve_triangular(
            Tensor A, Tensor B, bool upper, bool left = true, bool unitriangular = false, Tensor @out = null) =>
            Tensor.Into(Ops.linalg_solve_triangular.Call(A, B, upper, left, unitriangular), @out);

        public static Tensor norm(Tensor input, long[] dims = null, bool keepdim = false) =>
            Ops.linalg_norm.Call(input, Argument.None, dims, keepdim);

        public static Tensor norm(Tensor input, double ord, long[] dims = null, bool keepdim = false) =>
            Ops.linalg_norm.Call(input, ord, dims, keepdim);

        public static Tensor norm(Tensor input, string ord, long[] dims = null, bool keepdim = false) =>
            Ops.linalg_norm_ord_str.Call(input, ord, dims, keepdim);

        public static Tensor vector_norm(Tensor input, double ord = 2, long[] dims = null, bool keepdim = false) =>
            Ops.linalg_vector_norm.Call(input, ord, dims, keepdim);
    }
}
