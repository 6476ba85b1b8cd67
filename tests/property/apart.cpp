#include "tests/property/apart.h"

#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <stdexcept>

namespace o2w::property {

std::string apart(const std::function<std::string()>& work, int seconds) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("cannot make a pipe");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("cannot make a process");
  if (child == 0) {
    close(ends[0]);
    const itimerval limit{{0, 0}, {seconds, 0}};
    setitimer(ITIMER_PROF, &limit, nullptr);
    alarm(static_cast<unsigned>(20 * seconds));
    std::string result;
    try {
      result = work();
    } catch (const std::exception& error) {
      result = std::string("exception: ") + error.what();
    }
    const char* text = result.data();
    for (std::size_t left = result.size(); left > 0;) {
      const ssize_t written = write(ends[1], text, left);
      if (written <= 0) _exit(1);
      text += written;
      left -= static_cast<std::size_t>(written);
    }
    _exit(0);
  }
  close(ends[1]);
  std::string result;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(ends[0], buffer, sizeof buffer)) > 0;)
    result.append(buffer, static_cast<std::size_t>(got));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    if (signal == SIGPROF || signal == SIGALRM) return "no end within " + std::to_string(seconds) + " s";
    return std::string("crash: ") + strsignal(signal);
  }
  if (WEXITSTATUS(status) != 0) return "crash: exit code " + std::to_string(WEXITSTATUS(status));
  return result;
}

}  // namespace o2w::property
