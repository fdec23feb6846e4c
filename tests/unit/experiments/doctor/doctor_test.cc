// The doctor before real folders, real certificates, and a server that runs or does not.
#include "experiments/doctor/doctor_verb.h"

#include <sys/stat.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "experiments/doctor/reach.h"
#include "server/store/run_store.h"
#include "tests/support/secured_server.h"

namespace atl::workbench {
namespace {

using Json = nlohmann::json;
using std::chrono::hours;

const Finding* find(const Findings& findings, const std::string& check, Grade grade) {
  for (const auto& finding : findings.all())
    if (finding.check == check && finding.grade == grade) return &finding;
  return nullptr;
}

// What went wrong, "check code, check code".
std::string problems(const Findings& findings) {
  std::string out;
  for (const auto& finding : findings.all()) {
    if (finding.grade != Grade::kProblem) continue;
    EXPECT_FALSE(finding.next.empty()) << finding.text;
    out += (out.empty() ? "" : ", ") + finding.check + " " + std::string(to_string(finding.code));
  }
  return out;
}

class Doctor : public testing::SecuredServer {
 protected:
  Findings server(net::WallTime now = std::chrono::system_clock::now()) {
    Findings findings;
    check_server(findings, folder_, now);
    return findings;
  }
  Findings client(const client::ClientFolder& folder, bool with_list = false,
                  net::WallTime now = std::chrono::system_clock::now()) {
    Findings findings;
    check_client(findings, folder,
                 with_list ? std::vector{folder_} : std::vector<server::ServerFolder>{}, {}, now);
    return findings;
  }
  // A client's folder, with the certificate in NAME.pem and the digits as one of its own files.
  client::ClientFolder folder_of(const std::string& name, const std::string& address) {
    client::ClientFolder folder{file(name)};
    EXPECT_TRUE(make_folders(folder.path + "/identity").ok());
    EXPECT_TRUE(write_secret(folder.key(), read_text(file(name + ".key")).value()).ok());
    EXPECT_TRUE(write_atomic(folder.certificate(), read_text(file(name + ".pem")).value()).ok());
    EXPECT_TRUE(write_atomic(folder.authority(), read_text(folder_.authority()).value()).ok());
    EXPECT_TRUE(write_atomic(file("rows.csv"), "a,label\n1,0\n").ok());
    EXPECT_TRUE(
        write_atomic(folder.config(), "name = \"" + name + "\"\nserver = \"" + address +
                                          "\"\n[data]\nformat = \"csv\"\ntrain = \"../rows.csv\"\n")
            .ok());
    return folder;
  }
  // The server runs on a thread of its own while `work` connects to it from this one.
  template <typename F>
  auto beside(F work) {
    std::atomic<bool> over{false};
    std::thread serving([&] {
      while (!over) {
        driver_.io().restart();
        driver_.io().run_for(std::chrono::milliseconds(10));
      }
    });
    auto out = work();
    over = true;
    serving.join();
    return out;
  }
  void set_config(const std::string& from, const std::string& to) {
    auto text = read_text(folder_.config()).value();
    text.replace(text.find(from), from.size(), to);
    ASSERT_TRUE(write_atomic(folder_.config(), text).ok());
  }
};

TEST_F(Doctor, AFreshServerIsWell) {
  set_config("127.0.0.1:7171", "127.0.0.1:0");
  const auto found = server();
  EXPECT_EQ(problems(found), "");
  EXPECT_NE(find(found, "address", Grade::kOk), nullptr);
  EXPECT_NE(find(found, "certificate", Grade::kOk), nullptr);
  EXPECT_EQ(find(found, "secret", Grade::kWarning), nullptr);
}

TEST_F(Doctor, KeysAreTheirOwnersAlone) {
  set_config("127.0.0.1:7171", "127.0.0.1:0");
  ASSERT_EQ(::chmod(folder_.key().c_str(), 0640), 0);
  auto found = server();
  EXPECT_EQ(problems(found), "");
  ASSERT_NE(find(found, "secret", Grade::kWarning), nullptr);
  EXPECT_EQ(find(found, "secret", Grade::kWarning)->next, "chmod 600 " + folder_.key());
  ASSERT_EQ(::chmod(folder_.authority_key().c_str(), 0604), 0);
  found = server();
  ASSERT_EQ(problems(found), "secret identity");
  EXPECT_EQ(verdict(found).error().code(), ErrorCode::kIdentity);
  EXPECT_EQ(verdict(found).error().hint(), "chmod 600 " + folder_.authority_key());
}

TEST_F(Doctor, CertificatesHaveTheirDays) {
  set_config("127.0.0.1:7171", "127.0.0.1:0");
  EXPECT_EQ(problems(server(now() + hours(24 * 731))), "certificate identity");
  const auto behind = server(now() - hours(24));
  ASSERT_EQ(problems(behind), "certificate identity");
  EXPECT_NE(find(behind, "certificate", Grade::kProblem)->text.find("clocks"), std::string::npos);
  ASSERT_TRUE(write_secret(folder_.key(), read_text(folder_.authority_key()).value()).ok());
  EXPECT_EQ(problems(server()).find("certificate identity"), 0u);
}

TEST_F(Doctor, SaysWhatAStartWouldRunInto) {
  const auto busy = net::listen_plain(driver_.executor(), "127.0.0.1:0").value();
  set_config("127.0.0.1:7171", busy->address());
  EXPECT_EQ(problems(server()), "address address-in-use");
  set_config("# address = \"127.0.0.1:7071\"", "address = \"" + busy->address() + "\"");
  set_config(busy->address(), "127.0.0.1:0");
  EXPECT_EQ(problems(server()), "watch address-in-use");
  busy->close();
  EXPECT_EQ(problems(server()), "");
  const auto run =
      server::read_run_config(config::Document::parse("rounds = 11\n", "other").value().root());
  ASSERT_TRUE(server::RunStore::open(folder_.run(), server::to_toml(run), 2).ok());
  EXPECT_EQ(find(server(), "memory", Grade::kOk), nullptr) << "the model's size is not known yet";
  ASSERT_TRUE(make_folders(folder_.run() + "/checkpoints").ok());
  ASSERT_TRUE(
      write_atomic(folder_.run() + "/checkpoints/round-000001.safetensors", "0123456789").ok());
  EXPECT_NE(find(server(), "memory", Grade::kOk)->text.find("at most 64.0 MB"), std::string::npos);
  EXPECT_EQ(problems(server()), "run config");
  set_config("rounds = 10", "round = 10");
  EXPECT_EQ(problems(server()), "config config");
}

TEST_F(Doctor, AClientGetsThrough) {
  start();
  enrol("alice");
  const auto folder = folder_of("alice", listener_->address());
  const auto found = beside([&] { return client(folder, true); });
  EXPECT_EQ(problems(found), "");
  const auto* reached = find(found, "server", Grade::kOk);
  ASSERT_NE(reached, nullptr);
  EXPECT_NE(reached->text.find(listener_->address()), std::string::npos);
  EXPECT_NE(find(found, "revoked", Grade::kOk), nullptr);
  EXPECT_EQ(audit_.entries.size(), 0u) << "it did not join";
}

TEST_F(Doctor, ARevokedClientIsToldByBothEnds) {
  start();
  enrol("alice");
  const auto folder = folder_of("alice", listener_->address());
  ASSERT_TRUE(server::revoke_client(folder_, "alice").ok());
  const auto found = beside([&] { return client(folder, true); });
  EXPECT_EQ(problems(found), "revoked identity, server identity");
  const auto alone = beside([&] { return client(folder, false); });
  EXPECT_EQ(problems(alone), "server identity") << "without the list the server says it";
}

TEST_F(Doctor, AStoppedServerIsNotReached) {
  start();
  const auto address = listener_->address();
  stop();
  enrol("alice");
  const auto found = client(folder_of("alice", address));
  ASSERT_EQ(problems(found), "server network");
  EXPECT_EQ(verdict(found).error().exit_status(), 7);
}

TEST_F(Doctor, ClientsCertificatesAreLookedInto) {
  enrol("alice");
  auto folder = folder_of("alice", "127.0.0.1:1");
  EXPECT_EQ(problems(client(folder, false, now() + hours(24 * 366))), "certificate identity");
  // Of another key.
  enrol("bob");
  ASSERT_TRUE(write_secret(folder.key(), read_text(file("bob.key")).value()).ok());
  EXPECT_EQ(problems(client(folder)), "certificate identity");
  // Of another name.
  folder = folder_of("alice", "127.0.0.1:1");
  ASSERT_TRUE(write_atomic(folder.config(), "name = \"mallory\"\nserver = \"127.0.0.1:1\"\n").ok());
  const auto named = client(folder);
  EXPECT_EQ(problems(named), "certificate identity, data data");
  // Of nobody: not enrolled yet.
  std::filesystem::remove(folder.certificate());
  EXPECT_EQ(problems(client(folder)).find("certificate identity"), 0u);
  EXPECT_NE(find(client(folder), "certificate", Grade::kProblem)->next.find("enroll"),
            std::string::npos);
}

TEST_F(Doctor, DataAndConfigurationAreLookedInto) {
  enrol("alice");
  const auto folder = folder_of("alice", "127.0.0.1:1");
  std::filesystem::remove(file("rows.csv"));
  EXPECT_EQ(problems(client(folder)), "server network, data data");
  ASSERT_TRUE(write_atomic(folder.config(), "name = \"alice\"\nserve = \"x:1\"\n").ok());
  EXPECT_EQ(problems(client(folder)), "config config");
}

TEST_F(Doctor, TellsFoldersApart) {
  enrol("alice");
  const auto folder = folder_of("alice", "127.0.0.1:1");
  set_config("127.0.0.1:7171", "127.0.0.1:0");
  const auto found =
      examine({folder_.config(), folder.path + "/"}, {}, std::chrono::system_clock::now());
  ASSERT_TRUE(found.ok()) << found.error().message();
  EXPECT_NE(find(*found, "revoked", Grade::kOk), nullptr) << "the server's list was asked";
  EXPECT_EQ(problems(*found), "server network");
  const auto text = to_text(*found);
  EXPECT_NE(text.find("\n" + folder.path + "\n"), std::string::npos) << text;
  EXPECT_NE(text.find("1 problem, "), std::string::npos) << text;
  const auto json = Json::parse(to_json(*found));
  EXPECT_EQ(json["status"], 7);
  EXPECT_EQ(json["problems"], 1);
  for (const auto& path : {temporary_.path(), temporary_.path() + "/none.toml"})
    EXPECT_EQ(examine({path}, {}, now()).error().code(), ErrorCode::kUsage) << path;
}

TEST_F(Doctor, RunFilesAreReadAsTheWorkbenchReadsThem) {
  ASSERT_TRUE(write_atomic(file("run.toml"),
                           "rounds = 3\n[data]\nformat = \"csv\"\ntrain = \"rows.csv\"\n"
                           "[partition]\nclients = 5\n")
                  .ok());
  Findings missing;
  check_run_file(missing, file("run.toml"), {});
  EXPECT_EQ(problems(missing), "data data");
  ASSERT_TRUE(write_atomic(file("rows.csv"), "a,label\n1,0\n").ok());
  TorchFacts torch{.version = "2"};
  torch.check_device = [](const std::string& device) -> Status {
    return Error(ErrorCode::kUnsupported, device + " is not to be had");
  };
  Findings found;
  check_run_file(found, file("run.toml"), torch);
  EXPECT_EQ(problems(found), "device unsupported");
  EXPECT_NE(find(found, "config", Grade::kOk)->text.find("5 clients"), std::string::npos);
}

TEST(DoctorMachine, ReadsTheProcessor) {
  const auto cpu =
      processor_of("processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu sse2 avx2 avx512f\n\n");
  EXPECT_EQ(cpu.name, "Some CPU");
  EXPECT_TRUE(cpu.avx2 && cpu.avx512);
  const auto old = processor_of("model name\t: Old\nflags\t\t: fpu avx avx2x\n");
  EXPECT_TRUE(old.x86);
  EXPECT_FALSE(old.avx2);
  EXPECT_FALSE(processor_of("BogoMIPS : 50\nFeatures : fp asimd\n").x86);
}

TEST(DoctorMachine, KnowsAClockThatStoodStill) {
  Findings found;
  check_machine(found, {}, net::WallTime(hours(24 * 365)));
  EXPECT_NE(problems(found).find("clock identity"), std::string::npos);
  Findings today;
  check_machine(today, {}, std::chrono::system_clock::now());
  EXPECT_NE(find(today, "clock", Grade::kOk), nullptr);
  EXPECT_NE(find(today, "torch", Grade::kOk)->text.find("without LibTorch"), std::string::npos);
}

TEST(DoctorMachine, ComparesWhatIsNeededWithWhatIsThere) {
  Findings found;
  check_disk(found, "/tmp/not/there/yet", 0);
  EXPECT_EQ(problems(found), "");
  check_disk(found, "/tmp", uint64_t{1} << 60);
  check_memory(found, "data take", uint64_t{1} << 60);
  check_memory(found, "data take", 1);
  EXPECT_EQ(problems(found), "disk disk-full, memory trainer");
  EXPECT_GT(memory_here().total, memory_here().available);
}

TEST(DoctorMachine, SeesWhetherCudaWasBuiltAndFound) {
  Findings found;
  check_machine(found, {.version = "2.11.0", .cuda_built = true}, std::chrono::system_clock::now());
  EXPECT_NE(find(found, "torch", Grade::kWarning), nullptr);
}

}  // namespace
}  // namespace atl::workbench
