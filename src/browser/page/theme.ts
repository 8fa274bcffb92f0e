import { recolour } from "../chart/chart.ts";
import { byId, setTitle } from "./dom.ts";

type Theme = "system" | "light" | "dark";
const THEMES: readonly Theme[] = ["system", "light", "dark"];
const KEPT_AS = "eddy-theme";

/** The switch between light and dark; what was chosen is kept in this browser. */
export function openTheme(): void {
  const button = byId("theme");
  let theme = THEMES.find((one) => one === localStorage.getItem(KEPT_AS)) ?? "system";
  const apply = (): void => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.dataset.theme = theme;
    const words = theme === "system" ? "colours as the system has them" : `${theme} colours`;
    setTitle(button, `${words}; press for others`);
    button.setAttribute("aria-label", `${words}; press for others`);
    recolour();
  };
  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] as Theme;
    localStorage.setItem(KEPT_AS, theme);
    apply();
  });
  matchMedia("(prefers-color-scheme: light)").addEventListener("change", recolour);
  apply();
}
