# Reference values for calibration, isotonic regression, agreement of repeated measures and planning, by R.
# Run from the repository's root: Rscript engine/selftest/sources/calibration.R
suppressMessages({library(jsonlite); library(rms); library(clubSandwich)})
set.seed(20261123)
number <- function(x) as.numeric(x)

binary <- function(name, patients, recordings, shift, tilt) {
  patient <- sample(0:(patients - 1), recordings, TRUE)
  x <- -1 + rnorm(patients, 0, 0.8)[patient + 1] + rnorm(recordings)
  y <- rbinom(recordings, 1, plogis(x))
  p <- round(plogis(shift + tilt * x), 6)
  lp <- qlogis(p)
  large <- glm(y ~ offset(lp), family = binomial, control = glm.control(epsilon = 1e-14))
  line <- glm(y ~ lp, family = binomial, control = glm.control(epsilon = 1e-14))
  events <- min(sum(y), sum(1 - y))
  knots <- quantile(lp, if (events >= 100) c(.05, .275, .5, .725, .95) else c(.1, .5, .9))
  curve <- glm(y ~ rcspline.eval(lp, knots = knots, inclx = TRUE), family = binomial,
               control = glm.control(epsilon = 1e-14))
  off <- abs(fitted(curve) - p)
  val <- suppressWarnings(val.prob(p, y, pl = FALSE))
  iso <- isoreg(p, y)
  ordered <- y[iso$ord]
  score <- mean((y - p)^2)
  best <- mean((ordered - iso$yf)^2)
  list(name = name, inputs = list(y = y, p = p, patient = patient),
       expected = list(observed_expected = sum(y) / sum(p), intercept = number(coef(large)[1]),
                       slope = number(coef(line)[2]), ici = mean(off), e50 = number(quantile(off, .5)),
                       e90 = number(quantile(off, .9)), emax = max(off), brier = number(val["Brier"]),
                       miscalibration = score - best, discrimination = mean(y) * (1 - mean(y)) - best),
       tolerance = 1e-7)
}
clustered <- function(name, patients, recordings) {
  patient <- sample(0:(patients - 1), recordings, TRUE)
  x <- rnorm(patients)[patient + 1] + rnorm(recordings)
  y <- rbinom(recordings, 1, plogis(x))
  p <- round(plogis(0.2 + 0.8 * x), 6)
  lp <- qlogis(p)
  line <- glm(y ~ lp, family = binomial, control = glm.control(epsilon = 1e-14))
  large <- glm(y ~ offset(lp), family = binomial, control = glm.control(epsilon = 1e-14))
  shrink <- (length(unique(patient)) - 1) / length(unique(patient))
  error <- function(fit, place) sqrt(shrink * as.matrix(vcovCR(fit, cluster = patient, type = "CR3"))[place, place])
  list(name = name, inputs = list(y = y, p = p, patient = patient),
       expected = list(slope_error = error(line, 2), intercept_error = error(large, 1)), tolerance = 1e-6)
}
agreement <- function(name, patients, recordings, own) {
  patient <- if (patients == recordings) 0:(patients - 1) else
    c(0:(patients - 1), sample(0:(patients - 1), recordings - patients, TRUE))
  measured <- round(rnorm(recordings, 400, 30), 3)
  predicted <- round(measured + 4 + rnorm(patients, 0, own)[patient + 1] + rnorm(recordings, 0, 6), 3)
  off <- predicted - measured
  expected <- list(bias = mean(off), mae = mean(abs(off)), rmse = sqrt(mean(off^2)),
                   r2 = 1 - sum(off^2) / sum((measured - mean(measured))^2),
                   slope = number(coef(lm(measured ~ predicted))[2]))
  if (patients < recordings) {
    table <- summary(aov(off ~ factor(patient)))[[1]]
    m <- as.numeric(table(patient))
    each <- (sum(m)^2 - sum(m^2)) / ((patients - 1) * sum(m))
    between <- max(0, (table[1, "Mean Sq"] - table[2, "Mean Sq"]) / each)
    total <- sqrt(between + table[2, "Mean Sq"])
    expected$between_sd <- sqrt(between)
    expected$within_sd <- sqrt(table[2, "Mean Sq"])
  } else total <- sd(off)
  expected$lower_limit <- mean(off) - qnorm(.975) * total
  expected$upper_limit <- mean(off) + qnorm(.975) * total
  list(name = name, inputs = list(measured = measured, predicted = predicted, patient = patient),
       expected = expected, tolerance = 1e-8)
}
plan <- function(name, mean, sd) {
  each <- function(power) integrate(function(z) dnorm(z) * (mean + sd * z)^power * plogis(mean + sd * z) *
                                      plogis(-mean - sd * z), -10, 10, rel.tol = 1e-11)$value
  information <- each(0) / (each(0) * each(2) - each(1)^2)
  share <- integrate(function(z) dnorm(z) * plogis(mean + sd * z), -10, 10, rel.tol = 1e-11)$value
  below <- function(z) sapply(z, function(u) integrate(function(v) dnorm(v) * plogis(-mean - sd * v), -10, u,
                                                       rel.tol = 1e-10)$value)
  area <- integrate(function(z) dnorm(z) * plogis(mean + sd * z) * below(z), -10, 10, rel.tol = 1e-8)$value /
    (share * (1 - share))
  list(name = name, inputs = list(mean = mean, sd = sd),
       expected = list(information = information, share = share, auroc = area), tolerance = 1e-5)
}
write <- function(subject, software, version, cases) {
  told <- list(subject = subject, software = software, version = version,
               command = "Rscript engine/selftest/sources/calibration.R", cases = cases)
  writeLines(toJSON(told, auto_unbox = TRUE, digits = I(15)), paste0("engine/selftest/references/", subject, ".json"))
}
version <- function(package) as.character(packageVersion(package))
write("calibration", "R glm, rms (val.prob, rcspline.eval of Hmisc), isoreg",
      paste(getRversion(), version("rms")),
      list(binary("clustered, 5 knots", 200, 400, 0.3, 1.3), binary("few events, 3 knots", 90, 120, -0.4, 0.7),
           binary("one recording each", 5000, 300, 0, 1)))
write("clustered_errors", "R clubSandwich (vcovCR, CR3)", paste(getRversion(), version("clubSandwich")),
      list(clustered("many patients", 120, 300), clustered("twenty patients", 20, 90)))
write("agreement", "R aov, lm", as.character(getRversion()),
      list(agreement("repeated", 40, 130, 9), agreement("one each", 50, 50, 5), agreement("no variance between", 30, 90, 0)))
write("planning", "R integrate", as.character(getRversion()),
      list(plan("common", -1.75, 1.47), plan("rare", -5, 1.5), plan("balanced", 0, 1)))
