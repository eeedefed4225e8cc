"""The video transformer and its text: sizes of the paper, what depends on what."""

import pytest
import torch

from pipelines.moviegen import checkpoint, flow, presets
from pipelines.moviegen.nn.layers import RMSNorm
from pipelines.moviegen.nn.text import PAPER_ENCODERS, Text, paper_encoder
from pipelines.moviegen.nn.transformer import PATCH, VideoTransformer

TINY = presets.TRANSFORMER["tiny"]


def words(count, batch=1, seed=0):
    states = torch.randn(batch, count, 384, generator=torch.Generator().manual_seed(seed))
    return Text(states=states, mask=torch.ones(batch, count, dtype=torch.bool))


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = VideoTransformer(TINY)
    for parameter in model.parameters():  # zeros at the start would hide every dependence
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def test_the_velocity_has_the_shape_of_the_latents(model):
    x = torch.randn(2, 8, 3, 4, 6)
    assert model(x, torch.rand(2), model.condition(words(5, batch=2))).shape == x.shape


def test_attention_is_full_every_latent_depends_on_every_other(model):
    x = torch.randn(1, 8, 4, 4, 4, requires_grad=True)
    model(x, torch.rand(1), model.condition(words(5)))[0, :, 0, 0, 0].sum().backward()
    assert (x.grad.abs().sum(dim=1) > 0).all()


def test_filling_of_a_shorter_prompt_changes_nothing(model):
    x, t, text = torch.randn(1, 8, 1, 4, 4), torch.rand(1), words(4)
    filled = Text(states=torch.cat([text.states, torch.randn(1, 3, 384)], 1), mask=torch.arange(7)[None] < 4)
    assert torch.allclose(model(x, t, model.condition(text)), model(x, t, model.condition(filled)), atol=1e-5)


def test_a_text_read_once_gives_the_velocity_of_a_text_read_every_time(model):
    x, t, text = torch.randn(1, 8, 1, 4, 4), torch.rand(1), words(4)
    assert torch.allclose(model(x, t, model.condition(text)), model(x, t, (text,)), atol=1e-6)


def test_text_and_time_change_the_velocity(model):
    x, t = torch.randn(1, 8, 1, 4, 4), torch.tensor([0.3])
    v = model(x, t, model.condition(words(4)))
    assert not torch.allclose(v, model(x, t, model.condition(words(4, seed=1))))
    assert not torch.allclose(v, model(x, t + 0.2, model.condition(words(4))))


def test_position_in_time_and_space_matters_in_every_layer(model):
    seen = []
    for block in model.blocks:
        block.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        model.embed.weight.zero_()
        for block in model.blocks:
            block.table.zero_()
        model.modulation[1].weight.zero_()
        model.modulation[1].bias.zero_()
        for block in model.blocks:
            block.text.out.weight.zero_()
        model(torch.randn(1, 8, 2, 4, 4), torch.rand(1), model.condition(words(3)))
    positions = model.positions(2, 2, 2)
    assert torch.allclose(seen[0][0] - seen[0][0][:1], positions - positions[:1], atol=1e-5)
    assert torch.allclose(seen[1][0] - seen[0][0], positions, atol=1e-5)  # added again, Movie Gen 3.1.3


def test_rms_norm_and_its_derivative_are_those_of_torch():
    norm, x = RMSNorm(16), torch.randn(3, 5, 16, requires_grad=True)
    torch.nn.init.normal_(norm.weight)
    theirs = torch.nn.functional.rms_norm(x, (16,), norm.weight, 1e-6)
    assert torch.allclose(norm(x), theirs, atol=1e-6)
    ours, expected = (torch.autograd.grad((y**3).sum(), (x, norm.weight)) for y in (norm(x), theirs))
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(ours, expected, strict=True))


def test_one_batch_is_learned():
    torch.manual_seed(0)
    model, x1 = VideoTransformer(TINY), torch.randn(4, 8, 1, 4, 4)
    text, optimiser = words(4, batch=4), torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses = []
    for i in range(60):
        loss = flow.loss(lambda x, t: model(x, t, model.condition(text)), x1, torch.Generator().manual_seed(i % 4))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert sum(losses[-4:]) < 0.7 * sum(losses[:4])


def test_the_paper_has_30_billion_parameters_in_its_transformer():
    with torch.device("meta"):
        model = VideoTransformer(presets.TRANSFORMER["paper"])
    blocks = sum(p.numel() for p in model.blocks.parameters() if p.ndim == 2 and p.shape[0] > 6)
    assert blocks == 48 * (8 * 6144**2 + 3 * 6144 * 16384)
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(30e9, rel=0.03)


@pytest.mark.parametrize(("name", "billions"), [("1b", 1), ("5b", 5)])
def test_the_smaller_presets_of_the_ablations_have_their_size(name, billions):
    with torch.device("meta"):
        model = VideoTransformer(presets.TRANSFORMER[name])
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(billions * 1e9, rel=0.1)


def test_16_seconds_at_768_pixels_are_73728_tokens():
    _, t, h, w = presets.TAE["paper"].latent_shape(256, 768, 768)
    assert t * (h // PATCH) * (w // PATCH) == 73_728


def test_the_paper_s_positions_reach_16_seconds_at_768_pixels_on_the_meta_device():
    config = presets.TRANSFORMER["paper"]
    assert config.longest >= 32 and config.side >= 96 // PATCH


@pytest.mark.parametrize(("name", "billions"), [("ul2", 9.7), ("metaclip", 0.7), ("byt5", 0.22)])
@pytest.mark.filterwarnings("ignore::FutureWarning:transformers")
def test_the_text_encoders_of_the_paper_build_on_the_meta_device(name, billions):
    pytest.importorskip("transformers")
    with torch.device("meta"):
        encoder = paper_encoder(name)
    assert sum(p.numel() for p in encoder.parameters()) == pytest.approx(billions * 1e9, rel=0.15)
    width = PAPER_ENCODERS[name][1].get("d_model") or PAPER_ENCODERS[name][1]["hidden_size"]
    assert width in presets.TRANSFORMER["paper"].text


def test_weights_saved_to_a_folder_come_back(model, tmp_path):
    model.save_pretrained(tmp_path)
    again = VideoTransformer.from_pretrained(tmp_path)
    assert again.config == TINY
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values(), strict=True))


def test_the_text_encoder_tells_words_apart_and_refuses_a_prompt_that_is_too_long():
    from pipelines.errors import BadRequest

    text = checkpoint.load_text()
    asked, near, far = text.sentence(["a dog on a beach", "a puppy by the sea", "an invoice for tax"])
    assert asked @ near > asked @ far + 0.3
    with pytest.raises(BadRequest, match="tokens long"):
        text(["word " * 600])


def test_the_text_encoder_is_the_published_one():
    transformers = pytest.importorskip("transformers")
    text, prompt = checkpoint.load_text(), "a red panda jumps on a snowy mountain"
    theirs = transformers.AutoModel.from_pretrained(checkpoint._minilm_files()[0].parent).eval()
    ids = torch.tensor([text.tokenize(prompt)])
    with torch.no_grad():
        assert torch.allclose(text([prompt]).states, theirs(ids).last_hidden_state, atol=1e-4)
