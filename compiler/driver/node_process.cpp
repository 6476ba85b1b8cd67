#include "compiler/driver/node_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "compiler/driver/atomic_file.h"
#include "compiler/support/error.h"

extern char** environ;

namespace o2w::driver {

using nlohmann::json;

int spawn(const std::string& program, const std::vector<std::string>& arguments,
          const std::string& output_path) {
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                   0600);
  pid_t child = 0;
  const int error = posix_spawnp(&child, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return -1;
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

json run_script(const std::string& node, std::string_view script, const json& job,
                const std::string& folder) {
  const std::string script_path = folder + "/runner.mjs", job_path = folder + "/job.json",
                    answer_path = folder + "/answer.json";
  write_file_atomically(script_path, std::string(script));
  write_file_atomically(job_path, job.dump());
  const int status = spawn(node, {script_path, job_path}, answer_path);
  if (status == -1 || status == 127) {
    fail_model("cannot start '{}'; install Node.js 18 or newer, or use --engine interpreter", node);
  }
  const std::vector<uint8_t> bytes = read_file(answer_path);
  json answer = json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (status != 0 || answer.is_discarded()) fail_model("{} ended with status {} and no answer", node, status);
  if (answer.contains("error")) fail_model("{}", answer["error"].get<std::string>());
  return answer;
}

}  // namespace o2w::driver
