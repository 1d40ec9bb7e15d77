using TorchSharp.PInvoke;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor abs() => Ops.abs.Call(this);

        public Tensor ceil() => Ops.ceil.Call(this);

        public Tensor cos() => Ops.cos.Call(this);

        public Tensor exp() => Ops.exp.Call(this);

        public Tensor floor() => Ops.floor.Call(this);

        public Tensor log() => Ops.log.Call(this);

        public Tensor log1p() => Ops.log1p.Call(this);

        public Tensor neg() => Ops.neg.Call(this);

        public Tensor reciprocal() => Ops.reciprocal.Call(this);

        public Tensor rsqrt() => Ops.rsqrt.Call(this);

        public Tensor sigmoid() => Ops.sigmoid.Call(this);

        public Tensor sign() => Ops.sign.Call(this);

        public Tensor sin() => Ops.sin.Call(this);

        public Tensor sqrt() => Ops.sqrt.Call(this);

        public Tensor tanh() => Ops.tanh.Call(this);

        public Tensor trunc() => Ops.trunc.Call(this);

        public Tensor square() => Ops.square.Call(this);

        public Tensor round(long decimals = 0) => Ops.round_decimals.Call(this, decimals);

        public Tensor isnan() => Ops.isnan.Call(this);

        public Tensor isinf() => Ops.isinf.Call(this);

        public Tensor isfinite() => Ops.isfinite.Call(this);

        public Tensor relu() => Ops.relu.Call(this);

        public Tensor silu() => Ops.silu.Call(this);

        public Tensor gelu() => Ops.gelu.Call(this);

        public Tensor softmax(long dim, ScalarType? dtype = null) => Ops.softmax_int.Call(this, dim, dtype);

        public Tensor log_softmax(long dim, ScalarType? dtype = null) => Ops.log_softmax_int.Call(this, dim, dtype);

        public Tensor logsumexp(long dim, bool keepdim = false) => Ops.logsumexp.Call(this, new[] { dim }, keepdim);

        public Tensor pow(Scalar exponent) => Ops.pow_Tensor_Scalar.Call(this, exponent);

        public Tensor pow(Tensor exponent) => Ops.pow_Tensor_Tensor.Call(this, exponent);

        public Tensor clamp(Scalar min = null, Scalar max = null) => Ops.clamp.Call(this, min, max);

        public Tensor clamp(Tensor min = null, Tensor max = null) => Ops.clamp_Tensor.Call(this, min, max);

        public Tensor clamp_min(Scalar min) => Ops.clamp_min.Call(this, min);

        public Tensor clamp_max(Scalar max) => Ops.clamp_max.Call(this, max);

        public Tensor abs_() => Ops.abs_.Apply(this);

        public Tensor ceil_() => Ops.ceil_.Apply(this);

        public Tensor exp_() => Ops.exp_.Apply(this);

        public Tensor floor_() => Ops.floor_.Apply(this);

        public Tensor log_() => Ops.log_.Apply(this);

        public Tensor neg_() => Ops.neg_.Apply(this);

        public Tensor reciprocal_() => Ops.reciprocal_.Apply(this);

        public Tensor rsqrt_() => Ops.rsqrt_.Apply(this);

        public Tensor sigmoid_() => Ops.sigmoid_.Apply(this);

        public Tensor sign_() => Ops.sign_.Apply(this);

        public Tensor sqrt_() => Ops.sqrt_.Apply(this);

        public Tensor tanh_() => Ops.tanh_.Apply(this);

        public Tensor trunc_() => Ops.trunc_.Apply(this);

        public Tensor relu_() => Ops.relu_.Apply(this);

        public Tensor silu_() => Ops.silu_.Apply(this);

        public Tensor round_(long decimals = 0) => Ops.round__decimals.Apply(this, decimals);

        public Tensor pow_(Scalar exponent) => Ops.pow__Scalar.Apply(this, exponent);

        public Tensor clamp_(Scalar min = null, Scalar max = null) => Ops.clamp_.Apply(this, min, max);

        public Tensor clamp_min_(Scalar min) => Ops.clamp_min_.Apply(this, min);

        public Tensor clamp_max_(Scalar max) => Ops.clamp_max_.Apply(this, max);
    }
}
