#include "client/torch_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <atomic>
#include <cfenv>
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>

#include "client/torch_workspace.h"
#include "models/registry.h"
#include "models/state.h"
#include "tests/unit/trainer/support.h"

namespace atl::testing {
namespace {

using client::Progress;
using client::Trainer;
using client::TrainReport;
using ::testing::HasSubstr;
using wire::ModelSpec;
using wire::TrainSettings;

TEST(TorchTrainer, LearnsWhatCanBeSeparated) {
  const auto data = separable_rows(300, 12, 3, 1);
  for (const char* optimizer : {"sgd", "adamw"}) {
    auto options = options_of(data, 200);
    options.test_indices = first(100, 200);  // not seen in training
    options.evaluate_after = true;
    auto trainer = make_trainer({.name = "mlp"}, options);
    auto task = task_of(1, {.optimizer = optimizer,
                            .learning_rate = *optimizer == 's' ? 0.1 : 0.01,
                            .epochs = 5,
                            .batch_size = 16});
    task.evaluate = true;
    TrainReport report;
    trained(*trainer, task, {}, &report);
    EXPECT_EQ(report.before.examples, 100u);
    EXPECT_EQ(report.after.examples, 100u);
    EXPECT_LE(report.before.correct, 70u) << optimizer;
    EXPECT_GE(report.after.correct, 98u) << optimizer;
    EXPECT_LT(report.after.loss_sum, report.before.loss_sum / 5) << optimizer;
    EXPECT_EQ(report.examples, 200u);
    EXPECT_EQ(report.steps, 5u * 13);
    EXPECT_GT(report.train_loss, 0);
    EXPECT_GT(report.update_norm, 0);
  }
}

// The same numbers as a bare loop of LibTorch over the same batches.
TEST(TorchTrainer, OneFullBatchIsOneStepOfGradientDescent) {
  const auto data = random_images(24, {3, 32, 32}, 10, 2);
  auto trainer = make_trainer({.name = "lenet"}, options_of(data, 24));
  TrainReport report;
  const auto ours =
      trained(*trainer, task_of(1, {.learning_rate = 0.5, .batch_size = 24}), {}, &report);

  auto made = models::make_model({.name = "lenet", .input = {3, 32, 32}, .classes = 10});
  ASSERT_TRUE(made.ok());
  auto model = *made;
  models::initialize(*model, 1);
  const models::ModelState state(*model);
  Bytes before(state.manifest().total_bytes()), after(before.size());
  state.store(before);
  const auto pixels =
      torch::from_blob(const_cast<uint8_t*>(data->bytes.data()), {24, 3, 32, 32}, torch::kByte);
  const auto inputs = (pixels.to(torch::kFloat) / 255 - 0.5) / 0.25;
  const auto labels = torch::tensor(std::vector<int64_t>(data->labels.begin(), data->labels.end()));
  torch::optim::SGD sgd(model->parameters(), 0.5);
  const auto loss = torch::nn::functional::cross_entropy(model->forward(inputs), labels);
  loss.backward();
  sgd.step();
  state.store(after);

  EXPECT_NEAR(report.train_loss, loss.item<double>(), 1e-5);
  EXPECT_NEAR(report.update_norm, state.distance_to(before), 1e-5);
  state.load(ours);
  EXPECT_LE(state.distance_to(after), 1e-5);  // the order within the batch differs
  EXPECT_GT(state.distance_to(before), 1e-2);
}

TEST(TorchTrainer, EpochsAndStepsCountBatches) {
  const auto data = separable_rows(50, 6, 2, 3);
  auto trainer = make_trainer({.name = "linear"}, options_of(data, 50));
  TrainReport report;
  trained(*trainer, task_of(1, {.epochs = 3, .batch_size = 16}), {}, &report);
  EXPECT_EQ(report.steps, 3u * 4);  // 16 + 16 + 16 + 2
  trained(*trainer, task_of(1, {.epochs = 3, .steps = 7, .batch_size = 16}), {}, &report);
  EXPECT_EQ(report.steps, 7u);
  trained(*trainer, task_of(1, {.batch_size = 1000}), {}, &report);
  EXPECT_EQ(report.steps, 1u);
  const auto three = trained(*trainer, task_of(1, {.steps = 12, .batch_size = 16}));
  EXPECT_EQ(three, trained(*trainer, task_of(1, {.epochs = 3, .batch_size = 16})));
}

// A server counts a client as alive while steps_done grows, so evaluating must count too.
TEST(TorchTrainer, EvaluationIsProgress) {
  const auto data = random_images(600, {1, 28, 28}, 10, 13);
  auto options = options_of(data, 600);
  options.evaluate_after = true;
  auto trainer = make_trainer({.name = "linear"}, options);
  ASSERT_TRUE(trainer->initialize(1).ok());
  auto task = task_of(1, {.steps = 2, .batch_size = 8});
  task.evaluate = true;
  Progress progress;
  ASSERT_TRUE(trainer->run(task, progress).ok());
  EXPECT_EQ(progress.steps_total, 3u + 2u + 3u);  // 600 examples in batches of 256, twice
  EXPECT_EQ(progress.steps_done, progress.steps_total);
}

TEST(TorchTrainer, SeedClientAndRoundChooseTheOrder) {
  const auto data = random_images(40, {1, 28, 28}, 10, 4);
  const TrainSettings settings{.batch_size = 8};
  auto trainer = make_trainer({.name = "lenet"}, options_of(data, 40, "c1"));
  auto other = make_trainer({.name = "lenet"}, options_of(data, 40, "c2"));
  ASSERT_TRUE(trainer->initialize(5).ok());
  const auto start = model_of(*trainer);
  const auto reference = trained(*trainer, task_of(1, settings), start);
  EXPECT_EQ(trained(*trainer, task_of(1, settings), start), reference);
  EXPECT_NE(trained(*trainer, task_of(2, settings), start), reference);
  EXPECT_NE(trained(*trainer, task_of(1, settings, 2), start), reference);
  EXPECT_NE(trained(*other, task_of(1, settings), start), reference);
}

TEST(TorchTrainer, SideBySideOnTwoThreadsEqualsAlone) {
  const auto data = random_images(60, {3, 32, 32}, 10, 5);
  const TrainSettings settings{.momentum = 0.9, .epochs = 2, .batch_size = 16};
  auto pool = client::make_workspace_pool();
  auto make = [&](const char* name) {
    auto options = options_of(data, 60, name);
    options.pool = pool;
    options.augment = "pad_crop_flip";
    return make_trainer({.name = "lenet", .norm = "bn"}, options);
  };
  auto a = make("a"), b = make("b");
  const auto alone_a = trained(*a, task_of(1, settings));
  const auto alone_b = trained(*b, task_of(1, settings));
  EXPECT_NE(alone_a, alone_b);
  for (int repeat = 0; repeat < 3; ++repeat) {
    Bytes beside_a, beside_b;
    std::thread first_thread([&] { beside_a = trained(*a, task_of(1, settings)); });
    std::thread second_thread([&] { beside_b = trained(*b, task_of(1, settings)); });
    first_thread.join();
    second_thread.join();
    EXPECT_EQ(beside_a, alone_a);
    EXPECT_EQ(beside_b, alone_b);
  }
}

// Other clients, optimizers, batch sizes and a failure have used the workspace before.
TEST(TorchTrainer, AUsedWorkspaceIsAsGoodAsANewOne) {
  const auto data = random_images(40, {1, 28, 28}, 10, 6);
  const ModelSpec spec{.name = "lenet", .norm = "bn"};
  const TrainSettings settings{.momentum = 0.9, .batch_size = 16};
  auto fresh = make_trainer(spec, options_of(data, 40));
  const auto reference = trained(*fresh, task_of(3, settings));

  auto pool = client::make_workspace_pool();
  auto pooled = [&](const char* name) {
    auto options = options_of(data, 40, name);
    options.pool = pool;
    return make_trainer(spec, options);
  };
  auto noisy = pooled("noisy"), ours = pooled("c1");
  trained(*noisy, task_of(1, {.optimizer = "adamw", .batch_size = 40}));
  trained(*noisy, task_of(2, {.momentum = 0.5, .nesterov = true, .batch_size = 7}));
  ASSERT_TRUE(noisy->initialize(1).ok());
  Progress progress;
  EXPECT_FALSE(
      noisy->run(task_of(3, {.learning_rate = 1e20, .momentum = 0.9, .epochs = 5}), progress).ok());
  EXPECT_EQ(pool->idle(), 1u);
  EXPECT_EQ(trained(*ours, task_of(3, settings)), reference);
  EXPECT_EQ(pool->idle(), 1u);
}

TEST(TorchTrainer, PoolHoldsAsManyWorkspacesAsTrainAtOnce) {
  const auto data = separable_rows(20, 6, 2, 7);
  auto pool = client::make_workspace_pool();
  std::vector<std::unique_ptr<Trainer>> trainers;
  for (int k = 0; k < 30; ++k) {
    auto options = options_of(data, 20, std::to_string(k));
    options.pool = pool;
    trainers.push_back(make_trainer({.name = "mlp"}, options));
  }
  for (auto& trainer : trainers) trained(*trainer, task_of(1, {}));
  EXPECT_EQ(pool->idle(), 1u);
}

TEST(TorchTrainer, BatchNormStatisticsTravel) {
  const auto data = random_images(32, {1, 28, 28}, 10, 8);
  auto trainer = make_trainer({.name = "lenet", .norm = "bn"}, options_of(data, 32));
  const auto flat = trained(*trainer, task_of(1, {.batch_size = 8}));
  const auto* count = trainer->manifest().find("norm1.num_batches_tracked");
  ASSERT_NE(count, nullptr);
  int64_t batches = 0;
  std::memcpy(&batches, flat.data() + count->offset, sizeof batches);
  EXPECT_EQ(batches, 4);
  trained(*trainer, task_of(2, {.batch_size = 8}), flat);
  const auto again = model_of(*trainer);
  std::memcpy(&batches, again.data() + count->offset, sizeof batches);
  EXPECT_EQ(batches, 8);
}

TEST(TorchTrainer, ABatchOfOneWithBatchNormTrains) {
  const auto rows = separable_rows(17, 6, 2, 9);
  const auto images = random_images(17, {1, 28, 28}, 2, 9);
  for (const auto& data : {rows, images}) {
    const auto model = data == rows ? "mlp" : "lenet";
    auto trainer = make_trainer({.name = model, .norm = "bn"}, options_of(data, 17));
    TrainReport report;
    trained(*trainer, task_of(1, {.batch_size = 16}), {}, &report);
    EXPECT_EQ(report.steps, 2u);
    EXPECT_TRUE(std::isfinite(report.update_norm));
  }
}

TEST(TorchTrainer, EvaluationCountsAndSumsExactly) {
  const auto data = separable_rows(700, 4, 3, 10);  // three evaluation batches
  auto trainer = make_trainer({.name = "linear"}, options_of(data, 700));
  ASSERT_TRUE(trainer->initialize(2).ok());
  const auto flat = model_of(*trainer);
  auto task = task_of(1, {});
  task.train = false;
  task.evaluate = true;
  Progress progress;
  const auto report = trainer->run(task, progress);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(model_of(*trainer), flat);  // evaluation changes nothing

  // The softmax by hand: weights are [3, 4], then the bias.
  std::vector<float> w(15);
  std::memcpy(w.data(), flat.data(), flat.size());
  double loss = 0;
  uint64_t correct = 0;
  for (size_t i = 0; i < 700; ++i) {
    double z[3], sum = 0;
    for (size_t c = 0; c < 3; ++c) {
      z[c] = w[12 + c];
      for (size_t f = 0; f < 4; ++f)
        z[c] += static_cast<double>(w[c * 4 + f]) * static_cast<double>(data->values[i * 4 + f]);
      sum += std::exp(z[c]);
    }
    loss += std::log(sum) - z[data->labels[i]];
    correct += std::max_element(z, z + 3) - z == data->labels[i] ? 1 : 0;
  }
  EXPECT_EQ(report->before.examples, 700u);
  EXPECT_EQ(report->before.correct, correct);
  EXPECT_NEAR(report->before.loss_sum, loss, 1e-3);
}

TEST(TorchTrainer, AugmentationChangesTheUpdateAndRepeats) {
  const auto data = random_images(16, {3, 32, 32}, 10, 11);
  auto plain = make_trainer({.name = "lenet"}, options_of(data, 16));
  auto options = options_of(data, 16);
  options.augment = "pad_crop_flip";
  auto augmented = make_trainer({.name = "lenet"}, options);
  const auto once = trained(*augmented, task_of(1, {}));
  EXPECT_EQ(trained(*augmented, task_of(1, {})), once);
  EXPECT_NE(trained(*plain, task_of(1, {})), once);
}

TEST(TorchTrainer, StopsBetweenBatchesWhenCancelled) {
  const auto data = random_images(64, {1, 28, 28}, 10, 12);
  auto trainer = make_trainer({.name = "lenet"}, options_of(data, 64));
  ASSERT_TRUE(trainer->initialize(1).ok());
  const auto before = model_of(*trainer);
  Progress progress;
  std::thread canceller([&] {
    while (progress.steps_done < 3) std::this_thread::yield();
    progress.cancel = true;
  });
  const auto report = trainer->run(task_of(1, {.steps = 1'000'000, .batch_size = 1}), progress);
  canceller.join();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code(), ErrorCode::kInterrupted);
  EXPECT_GE(progress.steps_done, 3u);
  EXPECT_LT(progress.steps_done, progress.steps_total);
  EXPECT_EQ(model_of(*trainer), before);

  auto task = task_of(1, {});
  task.train = false;
  task.evaluate = true;
  EXPECT_EQ(trainer->run(task, progress).error().code(), ErrorCode::kInterrupted);
}

TEST(TorchTrainer, ALossThatIsNotFiniteNamesRoundAndStep) {
  const auto data = random_images(64, {1, 28, 28}, 10, 13);
  auto trainer = make_trainer({.name = "lenet"}, options_of(data, 64));
  ASSERT_TRUE(trainer->initialize(1).ok());
  const auto before = model_of(*trainer);
  Progress progress;
  const auto report = trainer->run(task_of(7, {.learning_rate = 1e30, .batch_size = 16}), progress);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code(), ErrorCode::kTrainer);
  EXPECT_THAT(report.error().message(), HasSubstr("not finite in round 7, step "));
  EXPECT_EQ(model_of(*trainer), before);
  // One step: every loss was finite, the weights are not.
  const auto last =
      trainer->run(task_of(8, {.learning_rate = 1e30, .weight_decay = 1e30, .steps = 1}), progress);
  ASSERT_FALSE(last.ok());
  EXPECT_THAT(last.error().message(), HasSubstr("the update of round 8 is not finite"));
}

TEST(TorchTrainer, HoldsTheFlatBytesFromReceiveToRelease) {
  const auto data = separable_rows(20, 6, 2, 14);
  auto trainer = make_trainer({.name = "linear"}, options_of(data, 20));
  Progress progress;
  EXPECT_EQ(trainer->run(task_of(1, {}), progress).error().code(), ErrorCode::kModel);
  ASSERT_TRUE(trainer->initialize(1).ok());
  const auto flat = model_of(*trainer);
  trainer->release();
  std::byte one;
  EXPECT_FALSE(trainer->read(0, {&one, 1}).ok());
  // In two pieces.
  ASSERT_TRUE(trainer->receive(0, ByteView(flat).first(10)).ok());
  ASSERT_TRUE(trainer->receive(10, ByteView(flat).subspan(10)).ok());
  EXPECT_EQ(model_of(*trainer), flat);
  EXPECT_EQ(trainer->receive(10, flat).error().code(), ErrorCode::kModel);
}

TEST(TorchTrainer, LeavesTheThreadsArithmeticAsItWas) {
  const auto data = separable_rows(20, 6, 2, 15);
  auto trainer = make_trainer({.name = "linear"}, options_of(data, 20));
  trained(*trainer, task_of(1, {}));
  volatile float least = std::numeric_limits<float>::min();
  const float denormal = least / 2;
  EXPECT_GT(denormal, 0);
}

TEST(TorchTrainer, MoreThreadsRepeatThemselves) {
  const auto data = random_images(64, {3, 32, 32}, 10, 16);
  auto options = options_of(data, 64);
  options.threads = 2;
  auto trainer = make_trainer({.name = "lenet"}, options);
  const auto once = trained(*trainer, task_of(1, {}));
  EXPECT_EQ(trained(*trainer, task_of(1, {})), once);
  EXPECT_EQ(at::get_num_threads(), 2);
  auto single = make_trainer({.name = "lenet"}, options_of(data, 64));
  trained(*single, task_of(1, {}));
  EXPECT_EQ(at::get_num_threads(), 1);
}

TEST(TorchTrainer, Bf16TrainsOrSaysThatItCannot) {
  const auto data = separable_rows(200, 12, 3, 17);
  auto options = options_of(data, 200);
  options.evaluate_after = true;
  auto trainer = make_trainer({.name = "mlp", .norm = "ln"}, options);
  ASSERT_TRUE(trainer->initialize(1).ok());
  const auto before = model_of(*trainer);
  Progress progress;
  const auto report = trainer->run(task_of(1, {.epochs = 5, .bf16 = true}), progress);
  if (!report.ok()) {
    EXPECT_EQ(report.error().code(), ErrorCode::kUnsupported);
    EXPECT_THAT(report.error().message(), HasSubstr("bf16"));
    return;
  }
  EXPECT_GE(report->after.correct, 190u);
  const auto rounded = model_of(*trainer);
  EXPECT_NE(trained(*trainer, task_of(1, {.epochs = 5}), before), rounded);
}

// A module that LibTorch cannot run: its weights are double, the images float.
TEST(TorchTrainer, LibTorchsExceptionsStopAtTheDoor) {
  const auto data = random_images(10, {1, 28, 28}, 10, 21);
  auto options = options_of(data, 10);
  options.pool = client::make_workspace_pool();
  auto trainer = make_trainer({.name = "lenet"}, options);
  ASSERT_TRUE(trainer->initialize(1).ok());
  {
    auto lease = options.pool->lease({.name = "lenet", .input = {1, 28, 28}, .classes = 10},
                                     torch::Device(torch::kCPU));
    ASSERT_TRUE(lease.ok());
    (*lease)->model->to(torch::kDouble);
  }
  Progress progress;
  const auto report = trainer->run(task_of(1, {}), progress);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code(), ErrorCode::kTrainer);
  EXPECT_THAT(report.error().message(), ::testing::StartsWith("LibTorch: "));
}

struct Refusal {
  const char* says;
  ErrorCode code;
  ModelSpec spec;
  std::function<void(client::TorchTrainerOptions&)> change = [](auto&) {};
};

TEST(TorchTrainer, RefusesWhatDoesNotFit) {
  const auto images = random_images(10, {1, 28, 28}, 10, 18);
  const auto rows = separable_rows(10, 6, 2, 18);
  auto broken = std::make_shared<data::Dataset>(*images);
  broken->bytes.pop_back();
  auto grey = std::make_shared<data::Dataset>(*images);
  grey->std.clear();
  const ModelSpec lenet{.name = "lenet"};
  const std::vector<Refusal> refusals = {
      {"the model takes examples of 3x32x32, noise has 1x28x28",
       ErrorCode::kModel,
       {.name = "lenet", .input = {3, 32, 32}}},
      {"the model has 5 classes, noise has 10", ErrorCode::kModel, {.name = "lenet", .classes = 5}},
      {"unknown model", ErrorCode::kConfig, {.name = "cnn_small"}},
      {"takes nothing", ErrorCode::kConfig, {.name = "lenet", .norm = "bn:5"}},
      {"none of auto, cpu and cuda:N", ErrorCode::kConfig, lenet,
       [](auto& o) { o.device = "tpu"; }},
      {"none of auto, cpu and cuda:N", ErrorCode::kConfig, lenet,
       [](auto& o) { o.device = "cuda:x"; }},
      {"device cuda:99: this ", ErrorCode::kUnsupported, lenet,
       [](auto& o) { o.device = "cuda:99"; }},
      {"none of none and pad_crop_flip", ErrorCode::kConfig, lenet,
       [](auto& o) { o.augment = "mixup"; }},
      {"threads must be", ErrorCode::kConfig, lenet, [](auto& o) { o.threads = 0; }},
      {"needs a training set", ErrorCode::kConfig, lenet, [](auto& o) { o.train = nullptr; }},
      {"names example 10 of noise", ErrorCode::kData, lenet,
       [](auto& o) { o.train_indices.push_back(10); }},
      {"there is no test set", ErrorCode::kData, lenet, [](auto& o) { o.test = nullptr; }},
      {"does not hold what its shape says", ErrorCode::kData, lenet,
       [&](auto& o) { o.train = broken; }},
      {"lacks a mean", ErrorCode::kData, lenet, [&](auto& o) { o.train = grey; }},
      {"needs images",
       ErrorCode::kConfig,
       {.name = "mlp"},
       [&](auto& o) {
         o.train = o.test = rows;
         o.augment = "pad_crop_flip";
       }},
  };
  for (const auto& refusal : refusals) {
    auto options = options_of(images, 10);
    refusal.change(options);
    const auto trainer = client::make_torch_trainer(refusal.spec, options);
    ASSERT_FALSE(trainer.ok()) << refusal.says;
    EXPECT_EQ(trainer.error().code(), refusal.code) << refusal.says;
    EXPECT_THAT(trainer.error().message(), HasSubstr(refusal.says));
  }
}

TEST(TorchTrainer, ALabelBeyondTheClassesIsDamagedData) {
  auto data = std::make_shared<data::Dataset>(*random_images(10, {1, 28, 28}, 10, 19));
  data->labels[4] = 10;
  const auto trainer = client::make_torch_trainer({.name = "lenet"}, options_of(data, 10));
  ASSERT_FALSE(trainer.ok());
  EXPECT_EQ(trainer.error().code(), ErrorCode::kData);
  EXPECT_THAT(trainer.error().message(), HasSubstr("the label of example 4 is 10"));
}

TEST(TorchTrainer, BadSettingsAndAnEmptyShareFailTheRound) {
  const auto data = separable_rows(20, 6, 2, 20);
  auto trainer = make_trainer({.name = "linear"}, options_of(data, 20));
  ASSERT_TRUE(trainer->initialize(1).ok());
  Progress progress;
  EXPECT_EQ(trainer->run(task_of(1, {.optimizer = "lion"}), progress).error().code(),
            ErrorCode::kConfig);
  auto empty = make_trainer({.name = "linear"}, options_of(data, 0));
  ASSERT_TRUE(empty->initialize(1).ok());
  EXPECT_EQ(empty->run(task_of(1, {}), progress).error().code(), ErrorCode::kData);
}

}  // namespace
}  // namespace atl::testing
